package rueidis

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// getCached asks the client's cache, which asks the server if it must. The
// payload is a part of the cache's memory: payloads are read-only.
func (st *Store) getCached(ctx context.Context, id store.ID) (stored, error) {
	get := client.Cacheable(st.get(id))
	if st.conns == nil {
		get = get.Pin() // the client may repeat it, and then recycles it: see persist
	}
	value, err := st.client.DoCache(ctx, get, st.opts.ClientCacheTTL).AsBytes()
	if err != nil {
		return stored{}, err
	}
	return st.decodeLive(id, value)
}

// recent remembers which sessions this process has written lately, so that
// they are not taken from the client's cache. The server's notice that a value
// has changed travels apart from the answer to the write that changed it: of
// loads right after a delete of one's own, one in five was served from the
// cache.
//
// A value is cached until ClientCacheTTL after the load that fetched it
// began. A write that has returned at time t makes stale what was fetched by
// loads that began before t. So a caller that does not ask the cache until t plus
// the delay never sees what the write has replaced.
//
// The sessions share a table of fixed size. Two that share a place keep each
// other from the cache at times, which costs a round trip and is never wrong.
type recent struct {
	start time.Time
	delay time.Duration
	until [1 << 16]atomic.Int64 // nanoseconds after start, by the ID's first bytes
}

// newRecent returns an empty table. The client counts in milliseconds, so a
// value may stay for one more.
func newRecent(delay time.Duration) *recent {
	return &recent{start: time.Now(), delay: delay + time.Millisecond}
}

// add keeps the session from the cache for as long as a value that is out of
// date now may be in it.
func (r *recent) add(id store.ID) {
	until := int64(time.Since(r.start) + r.delay)
	place := r.place(id)
	for old := place.Load(); old < until; old = place.Load() {
		if place.CompareAndSwap(old, until) {
			return
		}
	}
}

// has reports whether the cache must not be asked for the store.
func (r *recent) has(id store.ID) bool {
	return int64(time.Since(r.start)) <= r.place(id).Load()
}

func (r *recent) place(id store.ID) *atomic.Int64 {
	return &r.until[binary.BigEndian.Uint16(id[:])]
}
