package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// List returns the live sessions of a subject, the latest login last. They lack
// the secret. The store must have an index.
func (e *Engine) List(ctx context.Context, subject string) ([]Snapshot, error) {
	recs, err := e.index.ListSessions(ctx, subject)
	if err != nil {
		return nil, classify(err)
	}
	now := time.Now().UnixMilli()
	sessions := make([]Snapshot, 0, len(recs))
	for i := range recs {
		rec := &recs[i]
		s := Snapshot{ID: rec.ID, Rev: rec.Rev, Subject: rec.Subject, Expires: rec.Expires.UnixMilli()}
		// A payload that cannot be read opens for no client, but the session is
		// listed and can be ended.
		if meta, _, err := e.payloads.Open(rec.Payload, rec.ID, rec.Subject); err == nil {
			s.Meta, s.Expires = meta, min(s.Expires, e.expiry(&meta))
		}
		if now < s.Expires {
			sessions = append(sessions, s)
		}
	}
	slices.SortFunc(sessions, func(a, b Snapshot) int {
		return cmp.Or(cmp.Compare(a.Meta.Authenticated, b.Meta.Authenticated), slices.Compare(a.ID[:], b.ID[:]))
	})
	return sessions, nil
}

// Limit ends the sessions of a subject beyond the given number, the oldest
// logins first, and returns their IDs. Concurrent logins may each do this with
// some of the others in view. Since all of them order the sessions alike, none
// ends too many, and the last one sees them all.
func (e *Engine) Limit(ctx context.Context, subject string, number int) (ended []store.ID, err error) {
	sessions, err := e.List(ctx, subject)
	if err != nil {
		return nil, err
	}
	for len(sessions) > number {
		if err := e.Delete(ctx, sessions[0].ID); err != nil {
			return ended, err
		}
		ended = append(ended, sessions[0].ID)
		sessions = sessions[1:]
	}
	return ended, nil
}

// Revoke ends one session and returns its subject. found is false if there was
// none.
func (e *Engine) Revoke(ctx context.Context, id store.ID) (subject string, found bool, err error) {
	if e.client != nil {
		return "", false, e.revokeID(ctx, id)
	}
	rec, err := e.LoadUncached(ctx, id)
	found = err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", false, err
	}
	// Also if it has expired: a request that is still using it must not restore
	// it.
	return rec.Subject, found, e.Delete(ctx, id)
}

// RevokeSubject ends the sessions of a subject except those with the given IDs,
// and logins in flight. It returns the IDs of the ended sessions. When it
// returns, the next millisecond has begun, so that a login that arrives later is
// not covered.
func (e *Engine) RevokeSubject(ctx context.Context, subject string, except ...store.ID) ([]store.ID, error) {
	before := time.Now().Truncate(time.Millisecond)
	ended, err := e.index.RevokeSubject(ctx, subject, before, except...)
	if err != nil {
		return ended, classify(err)
	}
	_, err = NextMilli(ctx)
	return ended, err
}

// NextMilli returns a time that is later than now by the clock of records, and
// waits until it has come.
func NextMilli(ctx context.Context) (time.Time, error) {
	next := time.Now().Truncate(time.Millisecond).Add(time.Millisecond)
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-timer.C:
		return next, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}
