package memory

import (
	"sync"

	"github.com/typedsession/typedsession/store"
)

const (
	shardCount = 64

	// minShrink is the size up to which a map is not rebuilt: it is small
	// whatever is left in it.
	minShrink = 8
)

// shard is one part of the store. Its map holds no pointers, so that the garbage
// collector does not scan it.
type shard struct {
	mu        sync.RWMutex
	entries   []entry             // in no order
	slots     map[store.ID]uint32 // where each ID is in entries; nil until the first Create
	highWater int                 // most entries since the map was made
	cursor    int                 // where scan continues, towards the front
}

// shard returns the shard of an ID. IDs are random, so any of their bits do.
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

// set replaces the entry of an ID. The caller holds the lock.
func (sh *shard) set(e entry) { sh.entries[sh.slots[e.id]] = e }

// add adds an entry for an ID that has none. The caller holds the lock.
func (sh *shard) add(e entry) {
	if sh.slots == nil {
		sh.slots = make(map[store.ID]uint32)
	}
	sh.slots[e.id] = uint32(len(sh.entries))
	sh.entries = append(sh.entries, e)
	sh.highWater = max(sh.highWater, len(sh.entries))
}

// removeAt removes the entry in a slot and moves the last entry there. The caller
// holds the lock.
func (sh *shard) removeAt(at int) entry {
	last := len(sh.entries) - 1
	e, moved := sh.entries[at], sh.entries[last]
	sh.entries[at], sh.slots[moved.id] = moved, uint32(at)
	delete(sh.slots, e.id)
	sh.entries[last] = entry{} // drops the payload
	sh.entries = sh.entries[:last]
	return e
}

// shrink rebuilds the slice and the map when few entries are left, because
// neither gives memory back by itself. The caller holds the lock.
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
