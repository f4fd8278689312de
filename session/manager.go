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
	"github.com/typedsession/typedsession/internal/deadline"
	"github.com/typedsession/typedsession/store"
)

// Manager makes, finds, saves and ends sessions whose state is a T. Make one
// with [NewManager]; it is safe for concurrent use.
type Manager[T any] struct {
	core    *core
	codec   codec.Codec[T]
	initial func() T
	subject func(*T) string                // nil: no subjects
	label   func(*http.Request, *T) string // nil: no labels
	zero    []byte                         // the encoded zero T, where that is the initial state
}

// NewManager returns a manager that keeps its sessions in store. Its error names
// the field of cfg that is wrong, or says why a T cannot be encoded.
func NewManager[T any](st store.Store, cfg Config[T]) (*Manager[T], error) {
	if isNil(st) {
		return nil, errors.New("session: NewManager: the store is nil")
	}
	plainInitial := cfg.Initial == nil
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("session: Config.%w", err)
	}
	ring, err := cfg.ring()
	if err != nil {
		return nil, fmt.Errorf("session: Config.%w", err)
	}
	held, clientHeld := st.(store.ClientHeld)
	fresh, _ := st.(store.UncachedLoader)
	index, _ := st.(store.SubjectIndex)
	switch {
	case cfg.MaxSessionsPerSubject > 0 && index == nil:
		return nil, fmt.Errorf("session: Config.MaxSessionsPerSubject is set, but %T is no SubjectIndex", st)
	case cfg.Revoker != nil && !clientHeld:
		return nil, fmt.Errorf("session: Config.Revoker is set, but %T ends its sessions itself", st)
	}
	c := &core{
		store:        st,
		held:         held,
		fresh:        fresh,
		clientHeld:   clientHeld,
		carrier:      carrier{Transport: cfg.Transport, jar: newJar(cfg.Cookie)},
		idle:         millis(cfg.IdleTimeout),
		absolute:     millis(cfg.AbsoluteTimeout),
		extend:       cfg.Extend,
		eager:        cfg.EagerLoad,
		persistent:   cfg.Cookie.Persistent,
		errorHandler: cfg.ErrorHandler,
		staleHandler: cfg.ReauthHandler,
		index:        index,
		perSubject:   cfg.MaxSessionsPerSubject,
		revoker:      cfg.Revoker,
		observer:     cfg.Observer,
		logger:       cfg.Logger,
		lines:        newLines(),
		commits:      deadline.New(commitTimeout),
	}
	c.tokens = tokens{binding: c.carrier.binding(), longest: c.carrier.capacity()}
	if cfg.Cookie.InsecureSignedOnly {
		c.tokens.box = ring.Signer(tokenPurpose(clientHeld))
	} else {
		c.tokens.box = ring.Sealer(tokenPurpose(clientHeld))
	}
	if cfg.SealRecords {
		c.records = ring.Sealer("stored record")
	}
	m := &Manager[T]{core: c, codec: cfg.Codec, initial: cfg.Initial, subject: cfg.Subject, label: cfg.Label}
	// A state that cannot be encoded, or not decoded again, is found out here,
	// not by the first user.
	state := cfg.Initial()
	encoded, err := m.encode(nil, &state)
	if err != nil {
		return nil, fmt.Errorf("session: Config.Codec cannot encode the initial state: %w", err)
	}
	if err := m.decode(encoded, new(T)); err != nil {
		return nil, fmt.Errorf("session: Config.Codec cannot decode the initial state: %w", err)
	}
	if plainInitial {
		m.zero = encoded
	}
	return m, nil
}

// isNil reports whether st is nil, or a nil pointer in an interface.
func isNil(st store.Store) bool {
	v := reflect.ValueOf(st)
	return st == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// From returns the session of the request that ctx belongs to, loading it if
// this is its first use. It panics when no [Manager.Wrap] of a Manager[T] is
// above the caller.
//
// Where the session cannot be loaded, From returns one with the initial state
// whose [Session.Err] says why. Nothing it is told is saved, and the response,
// whatever the handler writes, is the ErrorHandler's. Use [Load] to decide
// yourself.
func From[T any](ctx context.Context) *Session[T] {
	return must[T](ctx.Value(sessionKey[T]{})).from(ctx)
}

// Load is [From] for a handler that can do without its session: it hands over
// the error, and leaves the response to the handler, as long as that tells the
// session nothing to keep.
func Load[T any](ctx context.Context) (*Session[T], error) {
	s := must[T](ctx.Value(sessionKey[T]{}))
	return s, s.load(ctx).err
}

// From is [From] for programs in which two managers share one T: it returns the
// session of this one.
func (m *Manager[T]) From(ctx context.Context) *Session[T] {
	return must[T](ctx.Value(m)).from(ctx)
}

// must panics, as only a handler that is not wrapped can bring about.
func must[T any](value any) *Session[T] {
	s, ok := value.(*Session[T])
	if !ok {
		panic(fmt.Sprintf("session: no session of %T in the context: "+
			"is the handler inside Manager.Wrap, and its context the request's?", *new(T)))
	}
	return s
}

// Handle returns a handler that hands h its session, loaded. Where the session
// cannot be loaded, h is not called. It needs no [Manager.Wrap] around it, and
// shares the session with one that is there.
func (m *Manager[T]) Handle(h func(http.ResponseWriter, *http.Request, *Session[T])) http.Handler {
	return m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.From(r.Context())
		if s.Err() != nil {
			return // the commit answers
		}
		h(w, r, s)
	}))
}

// LoadToken returns the session that a token leads to, for what is not an HTTP
// request: a socket, a gRPC call, a job. Its changes are saved by
// [Session.Save] and [Session.Transact]; there is nobody to hand a new token to,
// so that what would need one answers [ErrCommitted]. The error is
// [ErrNotFound] for every token that leads nowhere.
func (m *Manager[T]) LoadToken(ctx context.Context, token string) (*Session[T], error) {
	s := &Session[T]{m: m}
	s.arrived.Store(time.Now().UnixMilli())
	l := newLive(s)
	s.begun.Store(true)
	s.turn.Lock()
	l.cycle.load(ctx, []string{token})
	s.share(l)
	s.unlock(ctx)
	if l.err != nil {
		return nil, l.err
	}
	if !l.live {
		return nil, fmt.Errorf("session: LoadToken: %w", ErrNotFound)
	}
	return s, nil
}

// encode encodes a state, with a panic of the codec as an error.
func (m *Manager[T]) encode(dst []byte, state *T) (encoded []byte, err error) {
	defer caught("encode", &err)
	encoded, err = m.codec.Append(dst, state)
	if err == nil && len(encoded) < len(dst) {
		return nil, errors.New("session: codec returned less than it was to append to")
	}
	return encoded, err
}

// decode decodes a state likewise: corrupt bytes are an error of one record, not
// of the process.
func (m *Manager[T]) decode(data []byte, state *T) (err error) {
	defer caught("decode", &err)
	return m.codec.Decode(data, state)
}

func caught(verb string, err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error, *reflect.ValueError: // indexes, lengths and types
		*err = fmt.Errorf("session: codec panicked: %s: %v", verb, p)
	default: // which may quote the state
		*err = fmt.Errorf("session: codec panicked: %s: %T", verb, p)
	}
}
