package memory

import (
	"math"
	"runtime"
	"time"

	"github.com/typedsession/typedsession/store"
)

const (
	// scanPerCreate is how many entries of its shard each Create scans. If as
	// many sessions begin as expire, the expired ones that are still held are
	// about a fifteenth of the live ones: the scan finds an expired entry after
	// half a round, on average, and a round takes an eighth of their number.
	scanPerCreate = 8

	// scanWhenFull is how many entries of each shard a Create scans before it
	// is refused: about five hundred in all, so that a flood of refused
	// Creates costs little more than the requests.
	scanWhenFull = 8

	// sweepBatch is how many entries DeleteExpired examines at a time under
	// one lock.
	sweepBatch = 256
)

// remove removes the entry in a slot, and its session from the count and the
// index. The caller holds the lock of the shard.
func (st *Store) remove(sh *shard, at int) { st.sessionEnded(sh.removeAt(at)) }

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

// scan examines some entries of a shard, those that have waited longest, and
// removes the expired ones. The caller holds the lock.
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

// makeRoom scans every shard, beginning with that of id, until there is room for
// another session, and reports whether there is.
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

// DeleteExpired removes every session, tombstone and revocation that has expired
// and frees their memory. It is never necessary; see the package documentation.
// It takes time proportional to the number of sessions. Requests are served at
// the same time: it holds one lock of the 64 at a time, for 256 entries.
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

// sweep examines a shard from the last entry to the first. Only the last entry is
// ever moved, into the slot of one that is removed. So an entry that other
// goroutines move during the sweep has been examined, or is new, or stays in the
// part that is still to be examined.
func (st *Store) sweep(sh *shard) {
	now := time.Now().UnixMilli()
	sh.mu.RLock()
	left := len(sh.entries)
	sh.mu.RUnlock()
	for left > 0 {
		left = st.sweepSome(sh, left, now)
		runtime.Gosched() // other goroutines that wait for the lock run first
	}
	sh.mu.Lock()
	sh.shrink()
	sh.mu.Unlock()
}

// sweepSome sweeps the last batch of the first n entries, and returns how many
// entries are left in front of it. If none has expired, it does not block Load.
func (st *Store) sweepSome(sh *shard, n int, now int64) (left int) {
	sh.mu.RLock()
	n = min(n, len(sh.entries))
	left = max(0, n-sweepBatch)
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
