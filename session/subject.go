package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Info describes a live session, for a page that lists where somebody is logged
// in. It holds nothing that would open the session.
type Info struct {
	ID              ID
	Label           string    // what Config.Label said when the subject was established
	CreatedAt       time.Time // when the session was first stored
	AuthenticatedAt time.Time // when the subject was established
	LastUsedAt      time.Time // when it was last used, to a tenth of IdleTimeout
	ExpiresAt       time.Time // when it ends if it is not used again
}

// errNoSubject is the error of a call that would mean everybody who is nobody.
var errNoSubject = errors.New("session: the subject is empty")

// Sessions returns the live sessions of a subject, the latest login first. The
// caller's own is the one whose ID is [Session.ID]. The error is
// [errors.ErrUnsupported] where the store is no [store.SubjectIndex].
func (m *Manager[T]) Sessions(ctx context.Context, subject string) ([]Info, error) {
	members, err := m.core.members(ctx, "Sessions", subject)
	if err != nil {
		return nil, err
	}
	var infos []Info
	for _, member := range slices.Backward(members) {
		infos = append(infos, Info{
			ID:              member.id,
			Label:           member.header.label,
			CreatedAt:       fromMillis(member.header.created),
			AuthenticatedAt: fromMillis(member.header.authenticated),
			LastUsedAt:      fromMillis(member.header.extended),
			ExpiresAt:       fromMillis(member.expires),
		})
	}
	return infos, nil
}

// Revoke ends a session. When it has returned, no request that begins is served
// with the session's state, and none that is running can bring it back. An ID
// that no session has is not an error. With a [ClientHeld] store it needs a
// [Revoker]; without one the error is [errors.ErrUnsupported].
func (m *Manager[T]) Revoke(ctx context.Context, id ID) error {
	c := m.core
	if c.clientHeld {
		if err := c.needRevoker("Revoke"); err != nil {
			return err
		}
		return wrap("revoke", c.revokeID(ctx, id))
	}
	rec, err := c.loadFresh(ctx, id, "")
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return wrap("revoke", err)
	}
	return wrap("revoke", c.revoke(ctx, id, rec.Subject))
}

// RevokeSubject ends all sessions of a subject, except those with the given IDs,
// and returns how many there were: for a changed password, or an account that
// was closed. What Revoke says of one session holds for each of them. A login
// that happens meanwhile comes either before it, and is revoked, or after it.
//
// With a [ClientHeld] store it needs a [Revoker], which knows neither exceptions
// nor numbers: the result is 0, and exceptions are [errors.ErrUnsupported]. Use
// [Session.RevokeOthers] there.
func (m *Manager[T]) RevokeSubject(ctx context.Context, subject string, except ...ID) (int, error) {
	c := m.core
	if c.clientHeld && subject != "" {
		if err := c.needRevoker("RevokeSubject"); err != nil {
			return 0, err
		}
		if len(except) > 0 {
			return 0, fmt.Errorf("session: RevokeSubject with exceptions: %T cannot tell one session from another: %w", c.store, errors.ErrUnsupported)
		}
		before, err := nextMilli(ctx)
		if err == nil {
			err = c.revokeSubject(ctx, subject, before)
		}
		return 0, wrap("revoke subject", err)
	}
	if err := c.needIndex("RevokeSubject", subject); err != nil {
		return 0, err
	}
	before := time.Now().Truncate(time.Millisecond)
	revoked, err := c.index.RevokeSubject(ctx, subject, before, except...)
	events := make([]Event, len(revoked))
	for i, id := range revoked {
		events[i] = Event{Kind: EventDestroyed, ID: id, Subject: subject}
	}
	c.emit(ctx, events)
	if err != nil {
		return len(revoked), wrap("revoke subject", storeError(err))
	}
	// A login that arrives after this has returned is later than before.
	next := before.Add(time.Millisecond)
	if err := sleepUntil(ctx, next); err != nil {
		return len(revoked), wrap("revoke subject", err)
	}
	if own, ok := ctx.Value(m).(*Session[T]); ok && len(except) > 0 {
		if l := own.live.Load(); l != nil && slices.Contains(except, l.id()) {
			own.arrived.Store(next.UnixMilli())
		}
	}
	return len(revoked), nil
}

// RevokeOthers ends all other sessions of the subject that this session belongs
// to, and returns how many there were. Where the store is [ClientHeld] it saves
// the session, since its cookie must tell it from the others: see [Session.Save].
func (s *Session[T]) RevokeOthers(ctx context.Context) (int, error) {
	l := s.live.Load()
	if l.err != nil {
		return 0, l.err
	}
	state := s.State()
	if s.m.subject == nil {
		return 0, errNoSubject
	}
	subject := s.m.subject(&state)
	if !s.m.core.clientHeld || subject == "" {
		n, err := s.m.RevokeSubject(ctx, subject, s.ID())
		if err == nil { // ctx need not be the request's
			s.arrived.Store(time.Now().UnixMilli())
		}
		return n, err
	}
	if err := s.m.core.needRevoker("RevokeOthers"); err != nil {
		return 0, err
	}
	// Later than every login until now, by which it is told from them. It is no
	// login of its own: whoever has stolen a cookie must not freshen it so.
	before, err := nextMilli(ctx)
	if err != nil {
		return 0, wrap("revoke others", err)
	}
	s.intend(func(l *live[T]) { l.renew, l.keepIt = true, true })
	if err := s.Save(ctx); err != nil {
		return 0, err
	}
	return 0, wrap("revoke others", s.m.core.revokeSubject(ctx, subject, before))
}

// member is a live session of a subject.
type member struct {
	id      ID
	header  header
	expires int64
}

// needIndex returns why a call cannot be served without an index.
func (c *core) needIndex(caller, subject string) error {
	switch {
	case subject == "":
		return fmt.Errorf("session: %s: %w", caller, errNoSubject)
	case c.index == nil:
		return fmt.Errorf("session: %s: %T cannot tell the sessions of a subject: %w", caller, c.store, errors.ErrUnsupported)
	}
	return nil
}

// members returns the live sessions of a subject, the latest login last.
func (c *core) members(ctx context.Context, caller, subject string) ([]member, error) {
	if err := c.needIndex(caller, subject); err != nil {
		return nil, err
	}
	recs, err := c.index.ListSessions(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("session: %s: %w", caller, storeError(err))
	}
	now := time.Now().UnixMilli()
	var members []member
	for i := range recs {
		m := member{id: recs[i].ID, expires: recs[i].Expires.UnixMilli()}
		// A payload that cannot be read opens for nobody, but it is to be found,
		// and ended, all the same.
		if h, _, err := c.openPayload(&recs[i]); err == nil {
			m.header, m.expires = h, min(m.expires, c.expiry(&h))
		}
		if now < m.expires {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.header.authenticated, b.header.authenticated), slices.Compare(a.id[:], b.id[:]))
	})
	return members, nil
}

// revoke removes a session and reports it.
func (c *core) revoke(ctx context.Context, id ID, subject string) error {
	if err := c.delete(ctx, id); err != nil {
		return storeError(err)
	}
	c.emit(ctx, []Event{{Kind: EventDestroyed, ID: id, Subject: subject}})
	return nil
}

// delete deletes a session's record, where the store holds it.
func (c *core) delete(ctx context.Context, id ID) error {
	if c.held != nil {
		return nil
	}
	return c.store.Delete(ctx, id)
}

// limit ends the sessions of a subject that are too many, the oldest logins
// first. Of logins at the same time each may do this, with some of the others in
// view; since all agree which are the oldest, none ends too many, and the last
// one sees them all.
func (y *cycle) limit(ctx context.Context, subject string) {
	if y.core.perSubject == 0 || subject == "" {
		return
	}
	members, err := y.core.members(ctx, "MaxSessionsPerSubject", subject)
	for len(members) > y.core.perSubject && err == nil {
		if err = y.core.delete(ctx, members[0].id); err == nil {
			y.event(Event{Kind: EventDestroyed, ID: members[0].id, Subject: subject})
		} else {
			err = storeError(err)
		}
		members = members[1:]
	}
	if err != nil {
		_ = y.failed("limit", err)
	}
}

// wrap says which call an error is of.
func wrap(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session: %s: %w", call, err)
}

// nextMilli returns a time that is later than now by the clock of records, and
// waits until it has come.
func nextMilli(ctx context.Context) (time.Time, error) {
	next := time.Now().Truncate(time.Millisecond).Add(time.Millisecond)
	return next, sleepUntil(ctx, next)
}

func sleepUntil(ctx context.Context, then time.Time) error {
	timer := time.NewTimer(time.Until(then))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
