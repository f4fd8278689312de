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
