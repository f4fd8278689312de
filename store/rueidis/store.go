package rueidis

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/deadline"
	"github.com/typedsession/typedsession/session"
)

// Options are the settings of a [Store]. The zero Options are the default.
type Options struct {
	// Prefix precedes the session's ID in the name of its key. Empty means
	// "session:".
	Prefix string

	// Timeout bounds every operation, beside the context that it is given. A
	// read or write that meets a broken connection is repeated until then.
	// Zero means 2 seconds; negative is an error.
	Timeout time.Duration

	// MaxRevocationDelay, when it is not zero, lets the client keep records in
	// this process's memory and answer loads from there. Redis pushes a notice
	// when a record changes, which comes within a millisecond as a rule; the
	// delay is for how long a session that was ended elsewhere can still be
	// loaded when the notice is lost with the network. What this Store itself
	// has written or deleted it never takes from the cache. At most one
	// minute; negative is an error. Zero means that every load asks Redis.
	MaxRevocationDelay time.Duration

	// Replicas is how many replicas must have acknowledged a write before it
	// counts. Zero means none: a fail-over then loses what the promoted
	// replica had not yet received, which may be a logout. A write that too
	// few acknowledge within half of what is left of Timeout is an error, though
	// it was made. Each write takes a connection of its own meanwhile.
	Replicas int
}

const (
	defaultPrefix  = "session:"
	defaultTimeout = 2 * time.Second
	maxDelay       = time.Minute
)

// validate returns the options with their defaults, or an error that names the
// field.
func (o Options) validate() (Options, error) {
	switch {
	case o.Timeout < 0:
		return o, fmt.Errorf("rueidis: Options.Timeout is negative: %v", o.Timeout)
	case o.MaxRevocationDelay < 0:
		return o, fmt.Errorf("rueidis: Options.MaxRevocationDelay is negative: %v", o.MaxRevocationDelay)
	case o.MaxRevocationDelay > maxDelay:
		return o, fmt.Errorf("rueidis: Options.MaxRevocationDelay is %v, at most %v", o.MaxRevocationDelay, maxDelay)
	case o.Replicas < 0:
		return o, fmt.Errorf("rueidis: Options.Replicas is negative: %d", o.Replicas)
	}
	o.Prefix = cmp.Or(o.Prefix, defaultPrefix)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	return o, nil
}

// Store is a [session.Store] on a Redis or Valkey server or cluster. All its
// methods may be called by any number of goroutines.
type Store struct {
	client  client.Client
	owned   bool // Close ends the client
	opts    Options
	timeout *deadline.Timeout // of opts.Timeout
	recent  *recent           // nil without caching
	calls   atomic.Int64      // see directCalls
}

var _ session.FreshLoader = (*Store)(nil)

// New returns a Store that uses a client which the application has made, and
// ends itself. It does not talk to the server; [Open] does. The settings that a
// client should have stand in docs/REDIS.md.
func New(c client.Client, opts Options) (*Store, error) {
	if c == nil {
		return nil, errors.New("rueidis: no client")
	}
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	st := &Store{client: c, opts: opts, timeout: deadline.New(opts.Timeout)}
	if opts.MaxRevocationDelay > 0 {
		st.recent = newRecent(opts.MaxRevocationDelay)
	}
	return st, nil
}

// Close ends the client if [Open] made it, and otherwise does nothing. The
// Store must not be used afterwards.
func (st *Store) Close() error {
	if st.owned {
		st.client.Close()
	}
	return nil
}

// Load implements [session.Store]. Under a key that holds something else than
// a session it finds none: the error is an [session.ErrNotFound] that says so.
func (st *Store) Load(ctx context.Context, ref string) (session.Record, error) {
	return st.load(ctx, ref, st.recent != nil)
}

// LoadFresh implements [session.FreshLoader]. It is Load past the cache of
// [Options.MaxRevocationDelay]; without that option it is Load.
func (st *Store) LoadFresh(ctx context.Context, ref string) (session.Record, error) {
	return st.load(ctx, ref, false)
}

func (st *Store) load(ctx context.Context, ref string, cached bool) (session.Record, error) {
	id, err := session.ParseID(ref)
	if err != nil {
		return session.Record{}, session.ErrNotFound
	}
	cached = cached && !st.recent.has(id)
	op := st.timeout.Within(ctx)
	s, err := call(st, op, false, func() (stored, error) {
		if cached {
			// That a session is not there is never taken from the cache: nobody
			// is logged out by what the cache has missed.
			if s, err := st.getCached(op, id); err == nil {
				return s, nil
			}
		}
		var value []byte
		err := persist(op, func() (err error) {
			value, err = st.client.Do(op, st.get(id)).AsBytes()
			return err
		})
		if err != nil {
			return stored{}, err
		}
		return st.decodeLive(id, value)
	})
	switch {
	case err == nil:
		return s.Record, nil
	case errors.Is(err, session.ErrNotFound):
		return session.Record{}, err
	case client.IsRedisNil(err):
		return session.Record{}, session.ErrNotFound
	case isWrongType(err):
		return session.Record{}, st.foreign(id)
	}
	return session.Record{}, fmt.Errorf("rueidis: load: %w", err)
}

// get returns the command that reads a session's key. It is an arbitrary one to
// the client, so that the client neither repeats it (see persist) nor sends it
// to a replica, which may not have heard of a logout.
func (st *Store) get(id session.ID) client.Completed {
	return st.client.B().Arbitrary("GET").Keys(st.key(id)).Build()
}

// Create implements [session.Store].
func (st *Store) Create(ctx context.Context, rec session.Record) (string, error) {
	if err := checkSize(&rec); err != nil {
		return "", err
	}
	value := client.BinaryString(newStored(rec).encode())
	r, err := st.write(ctx, rec.ID, rec.Rev, createScript, value, lifetime(rec.Expires))
	switch {
	case isWrongType(err), err == nil && !r.written:
		return "", session.ErrExists
	case err != nil:
		return "", fmt.Errorf("rueidis: create: %w", err)
	}
	return rec.ID.String(), nil
}

// Update implements [session.Store].
//
// An attempt whose answer was lost with its connection is repeated. If others
// have written meanwhile, the revisions that they replaced, which the record
// keeps, tell whether the lost attempt was made. Where more than 32 have, that
// cannot be told any more, and the error is not a conflict, which would have
// the change made a second time.
func (st *Store) Update(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
	id, err := session.ParseID(ref)
	if err != nil {
		return "", session.ErrNotFound
	}
	if err := checkSize(&rec); err != nil {
		return "", err
	}
	s := newStored(rec)
	r, err := st.write(ctx, id, rec.Rev, updateScript,
		client.BinaryString(appendLive(make([]byte, 0, expiresAt), base)),
		client.BinaryString(s.appendHead(make([]byte, 0, countAt))),
		client.BinaryString(s.appendBody(nil)),
		lifetime(rec.Expires),
		milliseconds(int64(s.written)))
	switch {
	case isWrongType(err):
		return "", st.foreign(id)
	case err != nil:
		return "", fmt.Errorf("rueidis: update: %w", err)
	case r.written:
		return ref, nil
	case r.held == nil:
		return "", session.ErrNotFound
	}
	held, err := st.decodeLive(id, r.held)
	switch {
	case err != nil:
		return "", err
	case r.repeated && !held.follows(base):
		return "", fmt.Errorf("rueidis: update: %w", errOutcome)
	}
	return "", &session.ConflictError{Current: held.Record}
}

// errOutcome means that a write was attempted and its answer lost, and that
// nothing tells any more whether it was made.
var errOutcome = errors.New("the answer was lost and others have written since: the change was made or it was not")

// Delete implements [session.Store]. It leaves alone what is no session, and a
// mark in the place of one for 15 minutes: a Create under way while its
// connection broke may still arrive, and must not bring the session back.
func (st *Store) Delete(ctx context.Context, ref string) error {
	id, err := session.ParseID(ref)
	if err != nil {
		return nil //nolint:nilerr // what was never issued is not there
	}
	_, err = st.write(ctx, id, 0, deleteScript, milliseconds(tombstoneLife.Milliseconds()))
	if err != nil && !isWrongType(err) {
		return fmt.Errorf("rueidis: delete: %w", err)
	}
	return nil
}

// key returns the name of a session's key.
func (st *Store) key(id session.ID) string {
	key := make([]byte, 0, 64)
	key = append(key, st.opts.Prefix...)
	return string(hex.AppendEncode(key, id[:]))
}

// decodeLive reads the value of a key, which may be no live session's.
func (st *Store) decodeLive(id session.ID, value []byte) (stored, error) {
	s, err := decode(id, value)
	switch {
	case errors.Is(err, errForeign):
		return stored{}, st.foreign(id)
	case err != nil:
		return stored{}, err
	case !time.Now().Before(s.Expires):
		return stored{}, session.ErrNotFound
	}
	return s, nil
}

// foreign is the error for a key that holds something else than a session. To
// the client, that is a session which does not exist: it gets another, under
// another key, and an event says why. An error of any other kind would keep
// that one client out until somebody cleans up.
func (st *Store) foreign(id session.ID) error {
	return fmt.Errorf("rueidis: key %q holds no session: %w", st.key(id), session.ErrNotFound)
}

// isWrongType reports whether the key held something else than a string. Redis 6
// puts words about the script before those that count.
func isWrongType(err error) bool {
	refusal, ok := client.IsRedisErr(err)
	return ok && strings.Contains(refusal.Error(), "WRONGTYPE")
}
