package memory

import (
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

const (
	shardCount = 64

	// batch is how many entries a sweep examines under one hold of a lock.
	batch = 256

	// minShrink is the size below which a map is not moved: it did not grow.
	minShrink = 8
)

// shard is one part of the store. Its map holds no pointers, so that a garbage
// collection passes over it: at a million sessions that more than halves what
// one costs.
type shard struct {
	mu        sync.RWMutex
	entries   []entry             // in no order
	slots     map[store.ID]uint32 // of each ID in entries; nil until the first Create
	highWater int                 // most entries since the map was made
	cursor    int                 // where scan goes on, towards the front
}

// shard returns the shard of an ID. IDs are random, so any bits of them do.
func (st *Store) shard(id store.ID) *shard { return &st.shards[id[0]%shardCount] }

// get returns the entry of an ID, or the zero entry.
func (st *Store) get(id store.ID) entry {
	sh := st.shard(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.get(id)
}

// get returns the entry of an ID, or the zero entry. The caller holds the lock.
func (sh *shard) get(id store.ID) entry {
	if at, ok := sh.slots[id]; ok {
		return sh.entries[at]
	}
	return entry{}
}

// set replaces the entry of an ID.
func (sh *shard) set(e entry) { sh.entries[sh.slots[e.id]] = e }

// add adds an entry.
func (sh *shard) add(e entry) {
	if sh.slots == nil {
		sh.slots = make(map[store.ID]uint32)
	}
	sh.slots[e.id] = uint32(len(sh.entries))
	sh.entries = append(sh.entries, e)
	sh.highWater = max(sh.highWater, len(sh.entries))
}

// remove forgets the entry at a place, which the last one takes. The caller
// holds the lock.
func (st *Store) remove(sh *shard, at int) {
	last := len(sh.entries) - 1
	e, moved := sh.entries[at], sh.entries[last]
	sh.entries[at], sh.slots[moved.id] = moved, uint32(at)
	delete(sh.slots, e.id)
	sh.entries[last] = entry{}
	sh.entries = sh.entries[:last]
	st.ended(e)
}

// removeExpired removes the entry of an ID if it has expired.
func (st *Store) removeExpired(id store.ID) {
	sh := st.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if at, ok := sh.slots[id]; ok && sh.entries[at].expires <= time.Now().UnixMilli() {
		st.remove(sh, int(at))
		sh.shrink()
	}
}

// scan looks at some entries of a shard, those that it has not looked at for
// longest, and removes the expired ones. The caller holds the lock.
func (st *Store) scan(sh *shard, now int64, limit int) {
	for range min(limit, len(sh.entries)) {
		if sh.cursor == 0 || sh.cursor > len(sh.entries) {
			sh.cursor = len(sh.entries)
		}
		sh.cursor--
		if sh.entries[sh.cursor].expires <= now {
			st.remove(sh, sh.cursor)
		}
	}
	sh.shrink()
}

// makeRoom looks for expired sessions in every shard, beginning with that of
// id, until there is room for another one, and reports whether there is.
func (st *Store) makeRoom(id store.ID) bool {
	for i := range byte(shardCount) {
		sh := st.shard(store.ID{id[0] + i})
		sh.mu.Lock()
		st.scan(sh, time.Now().UnixMilli(), scanWhenFull)
		sh.mu.Unlock()
		if st.sessions.Load() < int64(st.MaxSessions) {
			return true
		}
	}
	return false
}

// DeleteExpired removes every session that has expired and frees its memory. Requests
// go on meanwhile: it holds one lock of the 64 at a time, and lets go of it
// every so often. Calling it is never necessary, see the package documentation.
func (st *Store) DeleteExpired() {
	for i := range st.shards {
		st.sweep(&st.shards[i])
	}
	for i := range st.index {
		p := &st.index[i]
		p.mu.Lock()
		p.dropRevocations(time.Now().UnixMilli(), math.MaxInt)
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
	if sh.highWater <= minShrink || len(sh.entries) >= sh.highWater/4 {
		return
	}
	sh.entries = append(make([]entry, 0, len(sh.entries)), sh.entries...)
	sh.slots = make(map[store.ID]uint32, len(sh.entries))
	for at, e := range sh.entries {
		sh.slots[e.id] = uint32(at)
	}
	sh.highWater = len(sh.entries)
}
