package memory

import (
	"maps"
	"runtime"
	"sync"
	"time"

	"github.com/typedsession/typedsession/session"
)

const (
	shardCount = 64

	// batch is how many entries a sweep examines under one hold of a lock.
	batch = 1024
)

// shard is one part of the store.
type shard struct {
	mu      sync.RWMutex
	entries map[session.ID]entry // nil until the first Create
	peak    int                  // most entries since the map was made
	rebuilt int                  // how often the map was made anew
}

// shard returns the shard of an ID. IDs are random, so any bits of them do.
func (st *Store) shard(id session.ID) *shard { return &st.shards[id[0]%shardCount] }

// put adds an entry.
func (sh *shard) put(id session.ID, e entry) {
	if sh.entries == nil {
		sh.entries = make(map[session.ID]entry)
	}
	sh.entries[id] = e
	sh.peak = max(sh.peak, len(sh.entries))
}

// remove forgets an entry. The caller holds the lock.
func (st *Store) remove(sh *shard, id session.ID, e entry) {
	delete(sh.entries, id)
	if e.isSession() {
		st.sessions.Add(-1)
		if subject, _ := e.split(); subject != "" {
			st.index.remove(subject, id)
		}
	}
}

// examine looks at some entries of a shard and removes the expired ones. The
// caller holds the lock. A range over a map begins at a random place, so that
// in time each entry is looked at.
func (st *Store) examine(sh *shard, now int64, limit int) {
	for id, e := range sh.entries {
		if e.expires <= now {
			st.remove(sh, id, e)
		}
		if limit--; limit == 0 {
			break
		}
	}
	sh.shrink()
}

// makeRoom looks for expired sessions in every shard, beginning with that of
// id, until there is room for another one, and reports whether there is.
func (st *Store) makeRoom(id session.ID) bool {
	for i := range byte(shardCount) {
		sh := st.shard(session.ID{id[0] + i})
		sh.mu.Lock()
		st.examine(sh, time.Now().UnixMilli(), examinedFull)
		sh.mu.Unlock()
		if st.sessions.Load() < int64(st.MaxSessions) {
			return true
		}
	}
	return false
}

// Sweep removes every session that has expired and frees its memory. Requests
// go on meanwhile: it holds one lock of the 64 at a time, and lets go of it
// every so often. Calling it is never necessary, see the package documentation.
func (st *Store) Sweep() {
	for i := range st.shards {
		st.sweep(&st.shards[i])
	}
}

func (st *Store) sweep(sh *shard) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Now().UnixMilli()
restart:
	seen, rebuilt := 0, sh.rebuilt
	for id, e := range sh.entries {
		if e.expires <= now {
			st.remove(sh, id, e)
		}
		if seen++; seen%batch != 0 {
			continue
		}
		// What others do to the map meanwhile is to this loop what doing it
		// here would be, which Go allows. Another map is not.
		sh.mu.Unlock()
		runtime.Gosched() // those who wait come first
		sh.mu.Lock()
		if sh.rebuilt != rebuilt {
			goto restart
		}
	}
	sh.shrink()
}

// shrink moves the entries to a new map when few are left, because a Go map
// keeps the memory that it once needed: at a million sessions, 103 bytes for
// each. The caller holds the lock.
func (sh *shard) shrink() {
	const smallest = 8 // a map of this size does not grow
	if sh.peak <= smallest || len(sh.entries) >= sh.peak/4 {
		return
	}
	entries := make(map[session.ID]entry, len(sh.entries))
	maps.Copy(entries, sh.entries)
	sh.entries = entries
	sh.peak = len(entries)
	sh.rebuilt++
}
