package engine

import (
	"context"
	"errors"
	"time"

	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/internal/token"
	"github.com/typedsession/typedsession/internal/transport"
	"github.com/typedsession/typedsession/store"
)

// contentSize is the length of what a token holds if the store holds the
// records: the ID and the secret.
const contentSize = len(store.ID{}) + len(token.Secret{})

// Outcome says what a token has led to.
type Outcome uint8

// The outcomes.
const (
	Live        Outcome = iota // a live session
	Unauthentic                // the token is not one of ours; the store was not asked
	NotFound                   // there is no such session any more
	Deleted                    // the session was deleted a short time ago, at Finding.At
	Superseded                 // the session has had another secret since Finding.At
	Invalid                    // the record cannot be read
)

// Finding is what Find or Verify has found out.
type Finding struct {
	Outcome Outcome
	Stale   bool     // the token was sealed under an older key or name
	ID      store.ID // zero if unknown
	Subject string
	At      int64
	Err     error     // why, if there is more to say
	Current *Snapshot // of Superseded: the record as it is now, without its secret
}

// Find fills in the snapshot of the session that a token opens. The snapshot is
// only valid if the outcome is Live. The error is an ErrUnavailable.
func (e *Engine) Find(ctx context.Context, c transport.Candidate, now int64, s *Snapshot) (Finding, error) {
	if e.client != nil {
		return e.findClientHeld(ctx, c, now, s)
	}
	fits := false
	stale, ok := e.tokens.Open(c.Token, c.Name, func(content []byte) {
		fits = len(content) == contentSize
		if fits {
			copy(s.Secret[:], content[copy(s.ID[:], content):])
		}
	})
	if !ok || !fits {
		return Finding{Outcome: Unauthentic}, nil
	}
	rec, err := e.store.Load(ctx, s.ID)
	f := e.verifyLoaded(&rec, err, now, s)
	if f.Outcome == Superseded && e.uncached != nil {
		// The record may be an old one from a cache, from before a login at
		// another process.
		rec, err = e.uncached.LoadUncached(ctx, s.ID)
		f = e.verifyLoaded(&rec, err, now, s)
	}
	f.Stale = stale
	if errors.Is(f.Err, ErrUnavailable) {
		return f, f.Err
	}
	return f, nil
}

// verifyLoaded is Verify for the answer of a store.
func (e *Engine) verifyLoaded(rec *store.Record, err error, now int64, s *Snapshot) Finding {
	if err == nil {
		return e.Verify(rec, now, s)
	}
	err = classify(err)
	var deleted *store.DeletedError
	switch {
	case errors.As(err, &deleted):
		return Finding{Outcome: Deleted, ID: s.ID, At: deleted.At.UnixMilli()}
	case errors.Is(err, store.ErrNotFound):
		f := Finding{Outcome: NotFound, ID: s.ID}
		if err != store.ErrNotFound { //nolint:errorlint // whether the store has more to say
			f.Err = err
		}
		return f
	}
	return Finding{Outcome: NotFound, ID: s.ID, Err: err}
}

// Verify fills in the snapshot from a record, if the record is that of s.ID, is
// live at the given time and s.Secret opens it.
func (e *Engine) Verify(rec *store.Record, now int64, s *Snapshot) Finding {
	meta, state, err := e.payloads.Open(rec.Payload, rec.ID, rec.Subject)
	if err == nil && (rec.ID != s.ID || (meta.SecretHash == nil) != (e.client != nil)) {
		err = payload.ErrInvalid // the record was exchanged in the store
	}
	if err != nil {
		return Finding{Outcome: Invalid, ID: s.ID, Err: err}
	}
	f := Finding{ID: s.ID, Subject: rec.Subject}
	found := Snapshot{
		ID: s.ID, Rev: rec.Rev, Subject: rec.Subject, Meta: meta, State: state,
		Secret: s.Secret, Encoded: s.Encoded, Seen: time.Now().UnixMilli(),
		Expires: min(rec.Expires.UnixMilli(), e.expiry(&meta)),
	}
	switch {
	case now >= found.Expires:
		f.Outcome = NotFound
	case meta.SecretHash != nil && !s.Secret.Matches(meta.SecretHash):
		f.Outcome, f.At = Superseded, meta.Renewed
		current := found
		current.Secret = token.Secret{}
		f.Current = &current
	default:
		*s = found
	}
	return f
}

// Check returns how long the session of a snapshot stays live unless it is used,
// and an error that matches ErrNotFound if it has ended or its secret has been
// superseded.
func (e *Engine) Check(ctx context.Context, s Snapshot) (time.Duration, error) {
	now := time.Now().UnixMilli()
	var f Finding
	var err error
	if e.client != nil {
		f, err = e.verifyClientHeld(ctx, now, &s)
	} else {
		var rec store.Record
		if rec, err = e.LoadUncached(ctx, s.ID); err == nil {
			f = e.Verify(&rec, now, &s)
		}
	}
	switch {
	case err != nil:
		return 0, err
	case f.Outcome != Live:
		return 0, store.ErrNotFound
	}
	return time.Duration(s.Expires-now) * time.Millisecond, nil
}

// Subscribe returns a channel that is closed when the session next changes, and
// a function that ends the subscription. The channel is nil if the store does
// not report changes.
func (e *Engine) Subscribe(id store.ID) (changed <-chan struct{}, stop func()) {
	if e.notifier == nil {
		return nil, func() {}
	}
	return e.notifier.Subscribe(id)
}

// expiry returns when a session ends. A token is valid before that time and not
// at it. The absolute timeout starts again when the subject is established.
func (e *Engine) expiry(m *payload.Meta) int64 {
	return min(m.Extended+e.idle, max(m.Created, m.Authenticated)+e.absolute)
}

// Due reports whether a request that used the session at that time should extend
// it. Extending it at every request would make every read a write; a tenth of
// the idle timeout is close enough.
func (e *Engine) Due(s *Snapshot, used int64) bool {
	m := s.Meta
	if used-m.Extended <= e.idle/10 {
		return false
	}
	m.Extended = used
	return e.expiry(&m) > s.Expires
}
