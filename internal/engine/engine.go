// Package engine finds, saves and ends sessions of bytes. It does not know the
// type of a state and calls nothing back: its caller decodes what Find returns
// and decides what Update saves.
//
// A [Snapshot] is a stored session as it was last seen. Create, Update and
// Restore make one attempt at a write. Update returns a *store.ConflictError if
// another request has written; the caller passes the record that the error holds
// to [Engine.Verify] and tries again.
//
// Times are Unix milliseconds.
package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/store"
)

// Config is what an Engine is made of.
type Config struct {
	Store    store.Store
	Revoker  store.Revoker // nil: sessions that clients hold end by expiry only
	Payloads payload.Format
	Tokens   *token.Codec
	Idle     time.Duration
	Absolute time.Duration
}

// Engine keeps sessions in one store. It is safe for concurrent use.
type Engine struct {
	store    store.Store
	uncached store.UncachedLoader // nil: the store has no cache
	index    store.SubjectIndex   // nil: the store cannot find the sessions of a subject
	notifier store.Notifier       // nil: the store does not report changes
	client   store.ClientHeld     // nil: the store holds the records
	revoker  store.Revoker
	payloads payload.Format
	tokens   *token.Codec
	idle     int64
	absolute int64
}

// New returns an engine.
func New(cfg Config) *Engine {
	e := &Engine{
		store:    cfg.Store,
		revoker:  cfg.Revoker,
		payloads: cfg.Payloads,
		tokens:   cfg.Tokens,
		idle:     cfg.Idle.Milliseconds(),
		absolute: cfg.Absolute.Milliseconds(),
	}
	e.uncached, _ = cfg.Store.(store.UncachedLoader)
	e.index, _ = cfg.Store.(store.SubjectIndex)
	e.notifier, _ = cfg.Store.(store.Notifier)
	e.client, _ = cfg.Store.(store.ClientHeld)
	return e
}

// ClientHeld reports whether the token is the record, so that every write needs
// a new token and no write can detect a conflict.
func (e *Engine) ClientHeld() bool { return e.client != nil }

// StoreType returns the type of the store, for errors.
func (e *Engine) StoreType() string { return fmt.Sprintf("%T", e.store) }

// HasRevoker reports whether a Revoker watches over sessions that clients hold.
func (e *Engine) HasRevoker() bool { return e.revoker != nil }

// HasIndex reports whether the store can find the sessions of a subject.
func (e *Engine) HasIndex() bool { return e.index != nil }

// SealsRecords reports whether the payload of a record is encrypted.
func (e *Engine) SealsRecords() bool { return e.payloads.Sealer != nil }

// Snapshot is a stored session as it was last seen. It does not change.
type Snapshot struct {
	ID      store.ID
	Rev     store.Rev
	Expires int64 // when the session ends if it is not extended
	Subject string
	Meta    payload.Meta
	State   []byte       // encoded, read-only
	Secret  token.Secret // zero if the client holds the record
	Encoded string       // the record, if the client holds it
	Seen    int64        // when the store last answered that the session is live
}

// Token returns the token that opens the session.
func (e *Engine) Token(s *Snapshot) string {
	if e.client != nil {
		return e.tokens.Seal(s.Encoded)
	}
	var content [contentSize]byte
	copy(content[copy(content[:], s.ID[:]):], s.Secret[:])
	return e.tokens.Seal(string(content[:]))
}

// ErrUnavailable means that the store did not answer. The error wraps the
// store's own, and says nothing about whether the session is still live.
var ErrUnavailable = errors.New("session store unavailable")

// unavailable wraps an error that is none of the contract's. The cause can be
// unwrapped, so that context errors can be told apart.
type unavailable struct{ cause error }

func (e *unavailable) Error() string        { return ErrUnavailable.Error() + ": " + e.cause.Error() }
func (e *unavailable) Unwrap() error        { return e.cause }
func (e *unavailable) Is(target error) bool { return target == ErrUnavailable }

// classify returns err if it is an error of the contract, and otherwise an
// ErrUnavailable.
func classify(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{
		store.ErrNotFound, store.ErrConflict, store.ErrExists,
		store.ErrTooLarge, store.ErrFull, store.ErrRevoked,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	return &unavailable{err}
}

// LoadUncached returns the record of a session as the store holds it now. Returns
// ErrNotFound or ErrUnavailable.
func (e *Engine) LoadUncached(ctx context.Context, id store.ID) (rec store.Record, err error) {
	if e.uncached != nil {
		rec, err = e.uncached.LoadUncached(ctx, id)
	} else {
		rec, err = e.store.Load(ctx, id)
	}
	return rec, classify(err)
}
