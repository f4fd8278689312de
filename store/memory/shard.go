package memory

import (
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/typedsession/typedsession/session"
)

const (
	shardCount = 64

	// batch is how many entries a sweep examines under one hold of a lock.
	batch = 256

	// smallest is the size below which a map is not moved: it did not grow.
	smallest = 8
)

// shard is one part of the store. Its map holds no pointers, so that a garbage
// collection passes over it: at a million sessions that more than halves what
// one costs.
type shard struct {
	mu      sync.RWMutex
	entries []entry               // in no order
	places  map[session.ID]uint32 // of each ID in entries; nil until the first Create
	peak    int                   // most entries since the map was made
	hand    int                   // where examine goes on, towards the front
}

// shard returns the shard of an ID. IDs are random, so any bits of them do.
func (st *Store) shard(id session.ID) *shard { return &st.shards[id[0]%shardCount] }

// get returns the entry of an ID, or none.
func (sh *shard) get(id session.ID) entry {
	if at, ok := sh.places[id]; ok {
		return sh.entries[at]
	}
	return entry{}
}

// set replaces the entry of an ID.
func (sh *shard) set(e entry) { sh.entries[sh.places[e.id]] = e }

// add adds an entry.
func (sh *shard) add(e entry) {
	if sh.places == nil {
		sh.places = make(map[session.ID]uint32)
	}
	sh.places[e.id] = uint32(len(sh.entries))
	sh.entries = append(sh.entries, e)
	sh.peak = max(sh.peak, len(sh.entries))
}

// remove forgets the entry at a place, which the last one takes. The caller
// holds the lock.
func (st *Store) remove(sh *shard, at int) {
	last := len(sh.entries) - 1
	e, moved := sh.entries[at], sh.entries[last]
	sh.entries[at], sh.places[moved.id] = moved, uint32(at)
	delete(sh.places, e.id)
	sh.entries[last] = entry{}
	sh.entries = sh.entries[:last]
	if e.isSession() {
		st.sessions.Add(-1)
		if subject, _ := e.split(); subject != "" {
			// It may be noted for longer, when it is about to be stored anew.
			st.index.of(subject).strike(subject, func(n noted) bool { return n.id == e.id && n.until <= e.expires })
		}
	}
}

// examine looks at some entries of a shard, those that it has not looked at for
// longest, and removes the expired ones. The caller holds the lock.
func (st *Store) examine(sh *shard, now int64, limit int) {
	for range min(limit, len(sh.entries)) {
		if sh.hand == 0 || sh.hand > len(sh.entries) {
			sh.hand = len(sh.entries)
		}
		sh.hand--
		if sh.entries[sh.hand].expires <= now {
			st.remove(sh, sh.hand)
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
	for i := range st.index {
		p := &st.index[i]
		p.mu.Lock()
		p.examine(time.Now().UnixMilli(), math.MaxInt)
		p.mu.Unlock()
	}
}

// sweep goes from the last entry to the first. Whatever others add or remove
// meanwhile, only entries that it has seen, or new ones, take another's place.
func (st *Store) sweep(sh *shard) {
	now := time.Now().UnixMilli()
	sh.mu.RLock()
	left := len(sh.entries)
	sh.mu.RUnlock()
	for left > 0 {
		left = st.sweepBatch(sh, left, now)
		runtime.Gosched() // those who wait come first
	}
	sh.mu.Lock()
	sh.shrink()
	sh.mu.Unlock()
}

// sweepBatch sweeps the last batch of the first n entries, and returns how many
// are left in front of it. Where none has expired, nobody waits for it but who
// writes.
func (st *Store) sweepBatch(sh *shard, n int, now int64) (left int) {
	sh.mu.RLock()
	n = min(n, len(sh.entries))
	left = max(0, n-batch)
	found := false
	for at := left; at < n && !found; at++ {
		found = sh.entries[at].expires <= now
	}
	sh.mu.RUnlock()
	if !found {
		return left
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for at := min(n, len(sh.entries)) - 1; at >= left; at-- {
		if sh.entries[at].expires <= now {
			st.remove(sh, at)
		}
	}
	return left
}

// shrink moves the entries elsewhere when few are left, because neither a slice
// nor a map of Go's gives back the memory that it once needed. The caller holds
// the lock.
func (sh *shard) shrink() {
	if sh.peak <= smallest || len(sh.entries) >= sh.peak/4 {
		return
	}
	sh.entries = append(make([]entry, 0, len(sh.entries)), sh.entries...)
	sh.places = make(map[session.ID]uint32, len(sh.entries))
	for at, e := range sh.entries {
		sh.places[e.id] = uint32(at)
	}
	sh.peak = len(sh.entries)
}
