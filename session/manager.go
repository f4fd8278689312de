package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"time"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/internal/engine"
	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/internal/transport"
	"github.com/typedsession/typedsession/internal/writequeue"
	"github.com/typedsession/typedsession/store"
)

// Manager makes, finds, saves and ends sessions whose state is a T. Make one
// with [NewManager]; it is safe for concurrent use.
type Manager[T any] struct {
	cfg          Config[T]
	engine       *engine.Engine
	transport    *transport.Transport
	queues       *writequeue.Queues
	events       eventSink
	initial      []byte // the encoded initial state
	zero         bool   // which is the zero T
	extendsReads bool
}

// NewManager returns a manager that keeps its sessions in st. It copies cfg. Its
// error names the field of cfg that is wrong, or the part of a T that the codec
// does not carry. It does not call the store.
func NewManager[T any](st store.Store, cfg Config[T]) (*Manager[T], error) {
	if isNil(st) {
		return nil, errors.New("session: NewManager: the store is nil")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("session: Config.%w", err)
	}
	if err := cfg.validateFor(st); err != nil {
		return nil, fmt.Errorf("session: Config.%w", err)
	}
	ring, err := cfg.ring()
	if err != nil {
		return nil, fmt.Errorf("session: Config.%w", err)
	}
	m := &Manager[T]{
		cfg:       cfg,
		transport: cfg.Transport.transport(cfg.Cookie),
		queues:    writequeue.New(),
		events:    eventSink{cfg.Observer, cfg.Logger},
	}
	// The purpose keeps apart what could be confused under one key: tokens of
	// stores that hold records, and tokens that are records.
	_, clientHeld := st.(store.ClientHeld)
	purpose := "token"
	if clientHeld {
		purpose = "client-held record"
	}
	var box token.Box = ring.Sealer(purpose)
	if cfg.Cookie.InsecureSignedOnly {
		box = ring.Signer(purpose)
	}
	var payloads payload.Format
	if cfg.SealRecords {
		payloads.Sealer = ring.Sealer("stored record")
	}
	m.engine = engine.New(engine.Config{
		Store: st, Revoker: cfg.Revoker, Payloads: payloads,
		Tokens: token.NewCodec(box, m.transport.Capacity(), m.transport.Names()...),
		Idle:   cfg.IdleTimeout, Absolute: cfg.AbsoluteTimeout,
	})
	m.extendsReads = cfg.Extend == ExtendOnRequest && (!clientHeld || cfg.Revoker != nil)
	if err := m.encodeInitial(); err != nil {
		return nil, fmt.Errorf("session: Config.Codec %w", err)
	}
	return m, nil
}

// encodeInitial encodes the initial state, from which new sessions are decoded.
// A state that cannot be encoded, or not decoded again, is found here and not by
// the first user.
func (m *Manager[T]) encodeInitial() (err error) {
	var state T
	m.zero = m.cfg.Initial == nil
	if !m.zero {
		state = m.cfg.Initial()
	}
	if m.initial, err = m.encode(nil, &state); err != nil {
		return fmt.Errorf("cannot encode the initial state: %w", err)
	}
	m.initial = append([]byte{}, m.initial...) // not nil, and no longer than it must be
	if err := m.cfg.Codec.Decode(m.initial, new(T)); err != nil {
		return fmt.Errorf("cannot decode the initial state: %w", err)
	}
	if err := codec.Check(m.cfg.Codec); err != nil {
		return fmt.Errorf("loses a part of a state: %w", err)
	}
	return nil
}

// isNil reports whether st is nil, or a nil pointer in an interface.
func isNil(st store.Store) bool {
	v := reflect.ValueOf(st)
	return st == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// From returns the session of the request that ctx belongs to, and loads it at
// the first call. It panics if no [Manager.Wrap] of a Manager[T] encloses the
// caller.
//
// If the session cannot be loaded, From returns one with the initial state whose
// [Session.Err] says why. Its changes are not saved, and ErrorHandler responds in
// place of the handler. So a handler need not check Err, except before it does
// something else that cannot be undone. Use [Load] to respond without a session.
func From[T any](ctx context.Context) *Session[T] {
	return must[T](ctx.Value(sessionKey[T]{})).from(ctx)
}

// Load is like [From] but returns the error if the session cannot be loaded. The
// handler may then respond without a session. If it changes the session anyway,
// ErrorHandler responds. A visitor without a session is no error: Load then
// returns a new session.
//
// Returns ErrUnavailable if the store does not answer.
func Load[T any](ctx context.Context) (*Session[T], error) {
	s := must[T](ctx.Value(sessionKey[T]{}))
	return s, s.load(ctx).err
}

// Has reports whether a [Manager.Wrap] of a Manager[T] encloses the caller, so
// that [From] does not panic. It does not load the session.
func Has[T any](ctx context.Context) bool {
	_, ok := ctx.Value(sessionKey[T]{}).(*Session[T])
	return ok
}

// From is like the function [From], and returns the session of this manager also
// if several managers share one T. It panics if no [Manager.Wrap] of m encloses
// the caller.
func (m *Manager[T]) From(ctx context.Context) *Session[T] {
	return must[T](ctx.Value(m)).from(ctx)
}

// Load is like the function [Load], and returns the session of this manager also
// if several managers share one T. It panics if no [Manager.Wrap] of m encloses
// the caller.
func (m *Manager[T]) Load(ctx context.Context) (*Session[T], error) {
	s := must[T](ctx.Value(m))
	return s, s.load(ctx).err
}

// must panics for a handler that is not wrapped.
func must[T any](value any) *Session[T] {
	s, ok := value.(*Session[T])
	if !ok {
		panic(fmt.Sprintf("session: no session of %v in the context: "+
			"is the handler inside Manager.Wrap, and its context the request's?", reflect.TypeFor[T]()))
	}
	return s
}

// LoadToken returns the session that a token opens, where there is no HTTP
// response: for a socket, a gRPC call, a job. The token may have the scheme of the
// [Transport] in front. Nothing is saved until [Session.Save] or
// [Session.Transact] is called. Changes that need a new token, such as a login,
// fail with [ErrCommitted], because there is no response to carry it. Do not use
// the Session for longer than a request would last.
//
// Returns ErrNotFound for a token that opens no live session, and ErrUnavailable
// if the store does not answer.
func (m *Manager[T]) LoadToken(ctx context.Context, text string) (*Session[T], error) {
	if m.transport.Scheme() != "" {
		if bare, ok := m.transport.Trim(text); ok {
			text = bare
		}
	}
	s := &Session[T]{m: m, arrived: time.Now().UnixMilli()}
	s.progress.Store(responseCommitted)
	s.mu.Lock()
	u := s.newUnit()
	u.load(ctx, []transport.Candidate{{Token: text}})
	s.share(u)
	s.unlock(ctx)
	switch {
	case u.err != nil:
		return nil, u.err
	case u.phase != phaseStored:
		return nil, wrap("load token", ErrNotFound)
	}
	return s, nil
}

// RemoveToken removes this manager's tokens from the header of a request, so that
// a gateway does not pass the credentials of its visitors on to another server.
// Other cookies stay. It may be called before or after the session is loaded.
func (m *Manager[T]) RemoveToken(header http.Header) { m.transport.Remove(header) }

// encode appends an encoded state. A panic of the codec is an error.
func (m *Manager[T]) encode(dst []byte, state *T) (encoded []byte, err error) {
	defer caught(&err)
	encoded, err = m.cfg.Codec.Append(dst, state)
	if err == nil && len(encoded) < len(dst) {
		return nil, errors.New("codec returned less than it was to append to")
	}
	return encoded, err
}

// decode decodes a state into what state points to, or the initial state if data
// is nil. A panic of the codec is an error: corrupt bytes concern one record and
// not the process.
func (m *Manager[T]) decode(data []byte, state *T) (err error) {
	var zero T
	*state = zero
	switch {
	case data == nil && m.zero:
		return nil
	case data == nil:
		data = m.initial
	}
	defer caught(&err)
	return m.cfg.Codec.Decode(data, state)
}

func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error, *reflect.ValueError: // indexes, lengths and types
		*err = fmt.Errorf("codec panicked: %v", p)
	default: // which may quote the state
		*err = fmt.Errorf("codec panicked: %T", p)
	}
}
