package memory

// Entries returns how many entries the store holds: sessions, expired ones that
// were not removed yet, and tombstones.
func (st *Store) Entries() int {
	n := 0
	for i := range st.shards {
		sh := &st.shards[i]
		sh.mu.RLock()
		n += len(sh.entries)
		sh.mu.RUnlock()
	}
	return n
}

// Sessions returns how many sessions the store counts.
func (st *Store) Sessions() int { return int(st.sessions.Load()) }

// HighWater returns how many entries the shards had together, each when it had most
// since its map was made.
func (st *Store) HighWater() int {
	n := 0
	for i := range st.shards {
		sh := &st.shards[i]
		sh.mu.RLock()
		n += sh.highWater
		sh.mu.RUnlock()
	}
	return n
}

// IndexEntries returns how many index entries the store holds.
func (st *Store) IndexEntries() int {
	n := 0
	for i := range st.index {
		p := &st.index[i]
		p.mu.Lock()
		for _, s := range p.subjects {
			n += s.sessions.len()
		}
		p.mu.Unlock()
	}
	return n
}

// Revocations returns how many revocations the store holds.
func (st *Store) Revocations() int {
	n := 0
	for i := range st.index {
		p := &st.index[i]
		p.mu.Lock()
		n += len(p.revocations)
		p.mu.Unlock()
	}
	return n
}

// LongestIDList returns the length of the longest list in which the index keeps
// the sessions of a subject, rather than in a map.
func (st *Store) LongestIDList() int {
	n := 0
	for i := range st.index {
		p := &st.index[i]
		p.mu.Lock()
		for _, s := range p.subjects {
			n = max(n, len(s.sessions.few))
		}
		p.mu.Unlock()
	}
	return n
}

// Subscriptions returns how many subscriptions the store holds.
func (st *Store) Subscriptions() int {
	s := &st.subscriptions
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, channels := range s.byID {
		n += len(channels)
	}
	if int(s.count.Load()) != n {
		panic("the count of the subscriptions is wrong")
	}
	return n
}
