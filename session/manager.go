package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
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
