package memory

// Entries returns how many entries the store holds: sessions, expired ones that
// were not removed yet, and marks of deleted ones.
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

// Sessions returns how many sessions the store believes to hold.
func (st *Store) Sessions() int { return int(st.sessions.Load()) }

// Peak returns how many entries the shards had together, each when it had most
// since its map was made.
func (st *Store) Peak() int {
	n := 0
	for i := range st.shards {
		sh := &st.shards[i]
		sh.mu.RLock()
		n += sh.peak
		sh.mu.RUnlock()
	}
	return n
}

// Noted returns how many sessions the index holds, expired ones too.
func (st *Store) Noted() int {
	n := 0
	for i := range st.index {
		p := &st.index[i]
		p.mu.Lock()
		for _, all := range p.subjects {
			n += len(all)
		}
		p.mu.Unlock()
	}
	return n
}
