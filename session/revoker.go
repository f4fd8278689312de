package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The keys of a Revoker.
func idKey(id ID) string               { return "id:" + id.String() }
func subjectKey(subject string) string { return "subject:" + subject }

// markedUntil returns until when a mark of now can matter.
func (c *core) markedUntil() time.Time {
	return time.Now().Add(time.Duration(c.absolute) * time.Millisecond)
}

// needRevoker returns why a call cannot be served without a Revoker.
func (c *core) needRevoker(call string) error {
	if c.revoker != nil {
		return nil
	}
	return fmt.Errorf("session: %s: %T holds nothing on the server, and there is no Config.Revoker: %w", call, c.store, errors.ErrUnsupported)
}

// revokeID ends one session. IDs are never used again, so the time is as good as
// any.
func (c *core) revokeID(ctx context.Context, id ID) error {
	return storeError(c.revoker.Revoke(ctx, idKey(id), time.Now(), c.markedUntil()))
}

// revokeSubject ends the sessions of a subject that were authenticated before
// the given time, and not kept since.
func (c *core) revokeSubject(ctx context.Context, subject string, before time.Time) error {
	return storeError(c.revoker.Revoke(ctx, subjectKey(subject), before, c.markedUntil()))
}

// revoked reports whether a session that the client holds was revoked.
func (c *core) revoked(ctx context.Context, id ID, subject string, h *header) (bool, error) {
	keys := []string{idKey(id), subjectKey(subject)}
	if subject == "" {
		keys = keys[:1]
	}
	marks, err := c.revoker.RevokedBefore(ctx, keys...)
	if err != nil {
		return false, storeError(err)
	}
	if len(marks) != len(keys) {
		return false, fmt.Errorf("%w: %T gave %d marks for %d keys", ErrUnavailable, c.revoker, len(marks), len(keys))
	}
	return !marks[0].IsZero() || subject != "" && max(h.authenticated, h.kept) < marks[1].UnixMilli(), nil
}

// heed asks the Revoker about the session that was just loaded.
func (y *cycle) heed(ctx context.Context, id ID) {
	if y.core.revoker == nil {
		return
	}
	revoked, err := y.core.revoked(ctx, id, y.subject, &y.header)
	switch {
	case err != nil:
		y.live, y.err = false, fmt.Errorf("session: load: %w", err)
		y.event(Event{Kind: EventFailed, ID: id, Err: y.err})
	case revoked:
		y.lose(Event{Kind: EventRejected, ID: id, Subject: y.subject, Reason: ReasonUnknown})
		y.subject = ""
		y.show(func(v *view) { *v = view{} })
	}
}
