package memory

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/store"
)

// Store is a [store.Store] that keeps records in memory. The zero Store is
// ready to use.
type Store struct {
	// MaxSessions is how many sessions are held at most. Zero means no bound.
	// It must be set before the first use. If it is reached, Create returns
	// [store.ErrFull]. An expired session counts until it is removed: before
	// Create returns ErrFull, it scans about five hundred entries.
	MaxSessions int

	sessions      atomic.Int64 // entries that are sessions and not tombstones
	shards        [shardCount]shard
	index         index
	subscriptions subscriptions
}

var _ store.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store { return new(Store) }

// errRev is returned for a record that breaks the contract: in an entry, no
// revision means a tombstone.
var errRev = errors.New("memory: the record has no revision")

// Create implements [store.Store].
func (st *Store) Create(_ context.Context, rec store.Record) error {
	if rec.Rev == 0 {
		return errRev
	}
	e := newEntry(rec)
	err := st.create(&rec, e)
	if errors.Is(err, store.ErrFull) && st.makeRoom(rec.ID) {
		err = st.create(&rec, e)
	}
	return err
}

// create is an attempt at Create. A record that is refused leaves nothing
// behind: a client that repeats refused logins must not fill the memory.
func (st *Store) create(rec *store.Record, e entry) error {
	sh := st.shard(e.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Now().UnixMilli()
	st.scan(sh, now, scanPerCreate)

	if at, ok := sh.slots[e.id]; ok {
		switch old := sh.entries[at]; {
		case old.isLive(now) && old.rev == e.rev:
			return nil
		case now < old.expires:
			return store.ErrExists
		}
		st.remove(sh, int(at))
	}
	// The session is counted first and discounted when it is refused, so that
	// Creates in different shards cannot pass the bound together.
	if n := st.sessions.Add(1); st.MaxSessions > 0 && n > int64(st.MaxSessions) {
		st.sessions.Add(-1)
		return store.ErrFull
	}
	var err error
	if e.subject, err = st.index.enter(rec, nil, now); err != nil {
		st.sessions.Add(-1)
		return err
	}
	sh.add(e)
	return nil
}

// Load implements [store.Store]. It does not copy the payload.
func (st *Store) Load(_ context.Context, id store.ID) (store.Record, error) {
	e, now := st.get(id), time.Now().UnixMilli()
	if !e.isLive(now) {
		if e.isSession() {
			st.removeExpired(id)
		}
		return store.Record{}, e.notFound(now)
	}
	return e.record(), nil
}

// Update implements [store.Store].
func (st *Store) Update(_ context.Context, base store.Rev, rec store.Record) error {
	if rec.Rev == 0 {
		return errRev
	}
	current, err := st.update(base, &rec, newEntry(rec))
	if errors.Is(err, store.ErrConflict) {
		return &store.ConflictError{Current: current.record()}
	}
	return err
}

// update replaces an entry, or returns ErrConflict and the stored entry.
func (st *Store) update(base store.Rev, rec *store.Record, e entry) (entry, error) {
	sh := st.shard(e.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	current, now := sh.get(e.id), time.Now().UnixMilli()
	switch {
	case !current.isLive(now):
		return entry{}, current.notFound(now)
	case current.rev == e.rev:
		return entry{}, nil
	case current.rev != base:
		return current, store.ErrConflict
	}
	var err error
	if e.subject, err = st.index.enter(rec, current.subject, now); err != nil {
		return entry{}, err
	}
	if e.subject != current.subject {
		st.index.leave(current.subject, e.id)
	}
	sh.set(e)
	st.subscriptions.notify(e.id)
	return entry{}, nil
}

// Delete implements [store.Store].
func (st *Store) Delete(_ context.Context, id store.ID) error {
	sh := st.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Now().UnixMilli()
	if _, ok := sh.slots[id]; !ok {
		st.scan(sh, now, scanPerCreate)
		sh.add(newTombstone(id, now))
		return nil
	}
	st.leaveTombstone(sh, sh.get(id), now)
	return nil
}

// leaveTombstone replaces an entry by a tombstone. The caller holds the lock of
// the shard.
func (st *Store) leaveTombstone(sh *shard, e entry, now int64) {
	sh.set(newTombstone(e.id, now))
	st.sessionEnded(e)
	st.subscriptions.notify(e.id)
}

// sessionEnded removes a session from the count and the index. The caller holds
// the lock of the shard, from which it has removed the entry.
func (st *Store) sessionEnded(e entry) {
	if e.isSession() {
		st.sessions.Add(-1)
		st.index.leave(e.subject, e.id)
	}
}
