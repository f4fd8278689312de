package rueidis

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// Store is a [store.Store] on a Redis or Valkey server or cluster. All its
// methods may be called by any number of goroutines.
type Store struct {
	client  client.Client
	conns   *connections // of the client if Open has made it; nil otherwise
	opts    Options
	recent  *recent       // nil without caching
	calls   atomic.Int64  // see directCalls
	queue   chan struct{} // see queuedCalls
	sharded atomic.Bool   // one script cannot reach a record and an index
}

var _ store.UncachedLoader = (*Store)(nil)

// New returns a Store that uses a client which the application has made, and
// closes itself. It does not talk to the server; [Open] does. The settings that a
// client should have stand in docs/REDIS.md. Returns an error if the client is
// nil or an option is not valid.
func New(c client.Client, opts Options) (*Store, error) {
	if c == nil {
		return nil, errors.New("rueidis: no client")
	}
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	st := &Store{
		client: c,
		opts:   opts,
		queue:  make(chan struct{}, queuedCalls),
	}
	if opts.ClientCacheTTL > 0 {
		st.recent = newRecent(opts.ClientCacheTTL)
	}
	return st, nil
}

// Close closes the client if [Open] made it, and otherwise does nothing. The
// Store must not be used afterwards.
func (st *Store) Close() error {
	if st.conns != nil {
		st.client.Close()
	}
	return nil
}

// Load implements [store.Store]. A key that holds something else than a session
// counts as none: the error is [store.ErrNotFound] and names the key.
func (st *Store) Load(ctx context.Context, id store.ID) (store.Record, error) {
	return st.load(ctx, id, st.recent != nil)
}

// LoadUncached implements [store.UncachedLoader]. It is Load past the cache of
// [Options.ClientCacheTTL]; without that option it is Load.
func (st *Store) LoadUncached(ctx context.Context, id store.ID) (store.Record, error) {
	return st.load(ctx, id, false)
}

func (st *Store) load(ctx context.Context, id store.ID, cached bool) (store.Record, error) {
	cached = cached && !st.recent.has(id)
	s, err := call(ctx, st, false, func(op context.Context) (stored, error) {
		if cached {
			// That a session is not there is never taken from the cache: no
			// session ends because of what the cache has missed.
			if s, err := st.getCached(op, id); err == nil {
				return s, nil
			}
		}
		return st.fetch(op, id)
	})
	switch {
	case err == nil:
		return s.Record, nil
	case errors.Is(err, store.ErrNotFound):
		return store.Record{}, err
	}
	return store.Record{}, fmt.Errorf("rueidis: load: %w", err)
}

// fetch reads a record from the server.
func (st *Store) fetch(op context.Context, id store.ID) (stored, error) {
	var value []byte
	err := st.persist(op, func() (err error) {
		value, err = st.client.Do(op, st.get(id)).AsBytes()
		return err
	})
	switch {
	case err == nil:
		return st.decodeLive(id, value)
	case client.IsRedisNil(err):
		return stored{}, store.ErrNotFound
	case isWrongType(err):
		return stored{}, st.foreign(id)
	}
	return stored{}, err
}

// get returns the command that reads a session's key. It is an arbitrary one to
// the client, so that the client neither repeats it (see persist) nor sends it
// to a replica, which may not have heard of a logout.
func (st *Store) get(id store.ID) client.Completed {
	return st.client.B().Arbitrary("GET").Keys(st.key(id)).Build()
}

// Create implements [store.Store].
func (st *Store) Create(ctx context.Context, rec store.Record) error {
	if err := checkSize(&rec); err != nil {
		return err
	}
	r, err := st.write(ctx, &change{
		id: rec.ID, rev: rec.Rev, script: createScript,
		args:  []string{client.BinaryString(newStored(rec).encode()), lifetime(rec.Expires)},
		entry: st.entryOf(&rec, true),
	})
	switch {
	case isWrongType(err):
		return store.ErrExists
	case err != nil:
		return fmt.Errorf("rueidis: create: %w", err)
	case r.written:
		return nil
	case r.revoked:
		return store.ErrRevoked
	}
	return store.ErrExists
}

// Update implements [store.Store].
//
// An attempt whose answer was lost with its connection is repeated. If others
// have written since, the revisions that they replaced, which the record
// keeps, tell whether the lost attempt was made. If more than 32 have, that
// cannot be told any more, and the error is not a conflict, because a conflict
// would have the change made a second time.
func (st *Store) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	if err := checkSize(&rec); err != nil {
		return err
	}
	s := newStored(rec)
	r, err := st.write(ctx, &change{
		id: rec.ID, rev: rec.Rev, script: updateScript,
		args: []string{
			client.BinaryString(appendLive(make([]byte, 0, expiresAt), base)),
			client.BinaryString(s.appendHead(make([]byte, 0, countAt))),
			client.BinaryString(s.appendBody(nil)),
			lifetime(rec.Expires),
			milliseconds(int64(s.written)),
		},
		entry: st.entryOf(&rec, false),
	})
	switch {
	case isWrongType(err):
		return st.foreign(rec.ID)
	case err != nil:
		return fmt.Errorf("rueidis: update: %w", err)
	case r.written:
		return nil
	case r.revoked:
		return store.ErrRevoked
	case r.held == nil:
		return store.ErrNotFound
	}
	held, err := st.decodeLive(rec.ID, r.held)
	switch {
	case err != nil:
		return err
	case r.repeated && !held.follows(base):
		return fmt.Errorf("rueidis: update: %w", errOutcome)
	}
	return &store.ConflictError{Current: held.Record}
}

// errOutcome means that a write was attempted and its answer lost, and that
// nothing tells any more whether it was made.
var errOutcome = errors.New("the answer was lost and others have written since: the change was made or it was not")

// Delete implements [store.Store]. A key that holds something else than a
// session stays as it is.
func (st *Store) Delete(ctx context.Context, id store.ID) error {
	_, err := call(ctx, st, st.opts.WaitReplicas > 0, func(op context.Context) (reply, error) {
		c := &change{id: id, script: deleteScript, args: []string{
			client.BinaryString(newTombstone(time.Now())),
			milliseconds(store.TombstoneLife.Milliseconds()),
		}}
		r, err := st.writeRecord(op, c)
		if err == nil && r.subject != "" {
			_ = st.drop(op, st.indexKey(r.subject), id)
		}
		return r, err
	})
	if st.recent != nil {
		st.recent.add(id) // whatever came of it
	}
	if err != nil && !isWrongType(err) {
		return fmt.Errorf("rueidis: delete: %w", err)
	}
	return nil
}

// key returns the name of a session's key.
func (st *Store) key(id store.ID) string {
	key := make([]byte, 0, 64)
	key = append(key, st.opts.Prefix...)
	return string(hex.AppendEncode(key, id[:]))
}

// decodeLive reads the value of a key, which may be no live session's.
func (st *Store) decodeLive(id store.ID, value []byte) (stored, error) {
	s, err := decode(id, value)
	switch {
	case errors.Is(err, errForeign):
		return stored{}, st.foreign(id)
	case err != nil:
		return stored{}, err
	case !time.Now().Before(s.Expires):
		return stored{}, store.ErrNotFound
	}
	return s, nil
}

// foreign is the error for a key that holds something else than a session. The
// client is treated as one without a session: it gets another, under another
// key, and an event says why. An error of any other kind would keep
// that one client out until an operator removes the key.
func (st *Store) foreign(id store.ID) error {
	return fmt.Errorf("rueidis: key %q holds no session: %w", st.key(id), store.ErrNotFound)
}
