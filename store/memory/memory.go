package memory

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/session"
)

// ErrFull means that the store holds MaxSessions sessions and takes no other.
// The sessions that it holds are not affected.
var ErrFull = errors.New("memory: MaxSessions reached")

const (
	// examined is how many entries of its shard each Create looks at. Where
	// as many sessions begin as expire, the expired ones that are still held
	// settle near a fifteenth of the live ones: one is found after half a
	// round, on average, and a round takes an eighth of their number.
	examined = 8

	// examinedFull is how many entries of each shard a Create looks at
	// before it is refused: about five hundred in all, so that a flood of
	// refused Creates costs little more than their requests do.
	examinedFull = 8

	// markLife is how long a deleted ID stays in use. It outlasts the retries
	// of a Create.
	markLife = time.Minute
)

// Store is a [session.Store] that keeps records in memory. The zero Store is
// ready to use.
type Store struct {
	// MaxSessions is the most sessions that are held at once; zero means no
	// bound. It must be set before the first use. Beyond it Create fails with
	// [ErrFull]. A session that has expired counts until it is found to have:
	// before Create fails, it looks for one among some five hundred entries.
	MaxSessions int

	sessions atomic.Int64 // entries that are sessions and not marks
	shards   [shardCount]shard
	index    index
	watchers watchers
}

var _ session.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store { return new(Store) }

// Create implements [session.Store]. It also fails with [ErrFull].
func (st *Store) Create(_ context.Context, rec session.Record) (string, error) {
	e := newEntry(rec)
	err := st.create(e)
	if errors.Is(err, ErrFull) && st.makeRoom(rec.ID) {
		err = st.create(e)
	}
	if err != nil {
		return "", err
	}
	return rec.ID.String(), nil
}

// create is one attempt at Create.
func (st *Store) create(e entry) error {
	sh := st.shard(e.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Now().UnixMilli()
	st.examine(sh, now, examined)

	if at, ok := sh.places[e.id]; ok {
		switch old := sh.entries[at]; {
		case old.isLive(now) && old.rev == e.rev:
			return nil
		case now < old.expires:
			return session.ErrExists
		}
		st.remove(sh, int(at))
	}
	// The place is taken first and given back when there was none, so that
	// Creates in different shards cannot pass the bound together.
	if n := st.sessions.Add(1); st.MaxSessions > 0 && n > int64(st.MaxSessions) {
		st.sessions.Add(-1)
		return ErrFull
	}
	sh.add(e)
	return nil
}

// Load implements [session.Store].
func (st *Store) Load(_ context.Context, ref string) (session.Record, error) {
	id, err := session.ParseID(ref)
	if err != nil {
		return session.Record{}, session.ErrNotFound
	}
	sh := st.shard(id)
	sh.mu.RLock()
	e := sh.get(id)
	sh.mu.RUnlock()
	if !e.isLive(time.Now().UnixMilli()) {
		return session.Record{}, session.ErrNotFound
	}
	return e.record(), nil
}

// Update implements [session.Store].
func (st *Store) Update(_ context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
	id, err := session.ParseID(ref)
	if err != nil {
		return "", session.ErrNotFound
	}
	rec.ID = id
	e := newEntry(rec)
	current, err := st.update(base, e)
	if errors.Is(err, session.ErrConflict) {
		return "", &session.ConflictError{Current: current.record()}
	}
	if err != nil {
		return "", err
	}
	return ref, nil
}

// update replaces an entry, or returns ErrConflict and the one that is there.
func (st *Store) update(base session.Rev, e entry) (entry, error) {
	sh := st.shard(e.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	current := sh.get(e.id)
	switch {
	case !current.isLive(time.Now().UnixMilli()):
		return entry{}, session.ErrNotFound
	case current.rev == e.rev:
		return entry{}, nil
	case current.rev != base:
		return current, session.ErrConflict
	}
	sh.set(e)
	st.watchers.tell(e.id)
	return entry{}, nil
}

// Delete implements [session.Store].
func (st *Store) Delete(_ context.Context, ref string) error {
	id, err := session.ParseID(ref)
	if err != nil {
		return nil // it never was a ref
	}
	sh := st.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.get(id).isSession() {
		sh.set(entry{id: id, expires: time.Now().Add(markLife).UnixMilli()})
		st.sessions.Add(-1)
		st.watchers.tell(id)
	}
	return nil
}
