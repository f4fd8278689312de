package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/internal/transport"
	"github.com/typedsession/typedsession/store"
)

// findClientHeld is Find for tokens that hold the record itself.
func (e *Engine) findClientHeld(ctx context.Context, c transport.Candidate, now int64, s *Snapshot) (Finding, error) {
	stale, ok := e.tokens.Open(c.Token, c.Name, func(content []byte) { s.Encoded = string(content) })
	if !ok {
		return Finding{Outcome: Unauthentic}, nil
	}
	f, err := e.verifyClientHeld(ctx, now, s)
	f.Stale = stale
	return f, err
}

// verifyClientHeld verifies the record in s.Encoded and asks the Revoker.
func (e *Engine) verifyClientHeld(ctx context.Context, now int64, s *Snapshot) (Finding, error) {
	rec, err := e.client.Decode(s.Encoded)
	s.ID = rec.ID
	f := e.verifyLoaded(&rec, err, now, s)
	if f.Outcome != Live {
		return f, nil
	}
	revoked, err := e.revoked(ctx, s)
	if err != nil {
		return Finding{Outcome: NotFound, ID: s.ID, Err: err}, err
	}
	if revoked {
		f.Outcome = NotFound
	}
	return f, nil
}

// encode returns the record as the client is to hold it. Returns ErrTooLarge,
// with the sizes, if no token can carry it.
func (e *Engine) encode(rec store.Record) (string, error) {
	encoded, err := e.client.Encode(rec)
	if err != nil {
		return "", classify(err)
	}
	if length, limit, ok := e.tokens.Fits(len(encoded)); !ok {
		return "", fmt.Errorf("%w: token of %d bytes, limit %d", store.ErrTooLarge, length, limit)
	}
	return encoded, nil
}

// The keys of a Revoker.
func idKey(id store.ID) string         { return "id:" + id.String() }
func subjectKey(subject string) string { return "subject:" + subject }

// revoked reports whether a session that the client holds was revoked.
func (e *Engine) revoked(ctx context.Context, s *Snapshot) (bool, error) {
	if e.revoker == nil {
		return false, nil
	}
	keys := []string{idKey(s.ID), subjectKey(s.Subject)}
	if s.Subject == "" {
		keys = keys[:1]
	}
	times, err := e.revoker.RevokedBefore(ctx, keys...)
	if err != nil {
		return false, classify(err)
	}
	if len(times) != len(keys) {
		return false, fmt.Errorf("%w: %T returned %d times for %d keys", ErrUnavailable, e.revoker, len(times), len(keys))
	}
	established := max(s.Meta.Authenticated, s.Meta.Exempted)
	return !times[0].IsZero() || s.Subject != "" && established < times[1].UnixMilli(), nil
}

// loginRevoked reports whether the subject was revoked after the request of its
// login had arrived.
func (e *Engine) loginRevoked(ctx context.Context, rec *store.Record) (bool, error) {
	if e.revoker == nil || rec.LoginSince.IsZero() {
		return false, nil
	}
	times, err := e.revoker.RevokedBefore(ctx, subjectKey(rec.Subject))
	switch {
	case err != nil:
		return false, classify(err)
	case len(times) != 1:
		return false, fmt.Errorf("%w: %T returned %d times for 1 key", ErrUnavailable, e.revoker, len(times))
	}
	return rec.LoginSince.UnixMilli() < times[0].UnixMilli(), nil
}

// revokeID stores the revocation of one session. IDs are never used again, so
// the time does not matter.
func (e *Engine) revokeID(ctx context.Context, id store.ID) error {
	return classify(e.revoker.Revoke(ctx, idKey(id), time.Now(), e.lastExpiry()))
}

// RevokeClientHeld ends the sessions of a subject that were authenticated before
// the given time and are not exempted since.
func (e *Engine) RevokeClientHeld(ctx context.Context, subject string, before time.Time) error {
	return classify(e.revoker.Revoke(ctx, subjectKey(subject), before, e.lastExpiry()))
}

// lastExpiry returns until when a revocation that is made now can matter.
func (e *Engine) lastExpiry() time.Time {
	return time.Now().Add(time.Duration(e.absolute) * time.Millisecond)
}
