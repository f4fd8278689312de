package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
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
	ExtendedAt      time.Time // when it was last used, to a tenth of IdleTimeout
	ExpiresAt       time.Time // when it ends if it is not used again
}

// errNoSubject is the error of a call that would mean everybody who is nobody.
var errNoSubject = errors.New("session: the subject is empty")

// createTimeout is how long after its creation a session that is noted and has
// no record is taken for one that is just being stored.
const createTimeout = time.Minute

// Sessions returns the live sessions of a subject, the latest login first. The
// caller's own is the one whose ID is [Session.ID]. The sequence ends after an
// error, which is [errors.ErrUnsupported] where the store is no [SubjectIndex].
// It shows no less than the sessions that are live from its beginning to its
// end.
func (m *Manager[T]) Sessions(ctx context.Context, subject string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		members, err := m.core.members(ctx, "Sessions", subject)
		if err != nil {
			yield(Info{}, err)
			return
		}
		for _, member := range slices.Backward(members) {
			info := Info{
				ID:              member.id,
				Label:           member.header.label,
				CreatedAt:       fromMillis(member.header.created),
				AuthenticatedAt: fromMillis(member.header.authenticated),
				ExtendedAt:      fromMillis(member.header.extended),
				ExpiresAt:       fromMillis(member.expires),
			}
			if !yield(info, nil) {
				return
			}
		}
	}
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
	rec, err := c.loadFresh(ctx, id.String())
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
	members, err := c.members(ctx, "RevokeSubject", subject)
	if err != nil {
		return 0, err
	}
	revoked := 0
	for _, member := range members {
		if slices.Contains(except, member.id) {
			continue
		}
		if err := c.revoke(ctx, member.id, subject); err != nil {
			return revoked, wrap("revoke subject", err)
		}
		revoked++
	}
	return revoked, nil
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
		return s.m.RevokeSubject(ctx, subject, s.ID())
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

// members returns the live sessions of a subject, the latest login last.
func (c *core) members(ctx context.Context, caller, subject string) ([]member, error) {
	switch {
	case subject == "":
		return nil, fmt.Errorf("session: %s: %w", caller, errNoSubject)
	case c.index == nil:
		return nil, fmt.Errorf("session: %s: %T cannot tell the sessions of a subject: %w", caller, c.store, errors.ErrUnsupported)
	}
	indexed, err := c.index.Indexed(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("session: %s: %w", caller, storeError(err))
	}
	var members []member
	for _, entry := range indexed {
		m, err := c.member(ctx, subject, entry)
		switch {
		case err == nil:
			members = append(members, m)
		case !errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("session: %s: %w", caller, err)
		}
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.header.authenticated, b.header.authenticated), slices.Compare(a.id[:], b.id[:]))
	})
	return members, nil
}

// member looks at the record of a session that is noted for a subject. It
// returns ErrNotFound where that is not the subject's live session.
func (c *core) member(ctx context.Context, subject string, entry Indexed) (member, error) {
	now := time.Now().UnixMilli()
	rec, err := c.loadFresh(ctx, entry.ID.String())
	if errors.Is(err, ErrNotFound) && entry.Until.UnixMilli()-c.absolute < now-createTimeout.Milliseconds() {
		// It has expired. A younger one may just be being stored, and must stay.
		if err := c.index.Unindex(ctx, subject, entry.ID); err != nil {
			return member{}, storeError(err)
		}
	}
	if err != nil {
		return member{}, err
	}
	if rec.Subject != subject {
		return member{}, ErrNotFound
	}
	m := member{id: rec.ID, expires: rec.Expires.UnixMilli()}
	// A payload that cannot be read opens for nobody, whose ever it was, but it
	// is to be found, and ended, all the same.
	if h, _, err := c.openPayload(&rec); err == nil {
		m.header, m.expires = h, min(m.expires, c.expiry(&h))
	}
	if now >= m.expires {
		return member{}, ErrNotFound
	}
	return m, nil
}

// revoke removes a session and reports it.
func (c *core) revoke(ctx context.Context, id ID, subject string) error {
	err := c.remove(ctx, id, subject)
	if err == nil {
		c.emit(ctx, []Event{{Kind: EventDestroyed, ID: id, Subject: subject}})
	}
	return err
}

// remove deletes a session's record, and strikes it off after that.
func (c *core) remove(ctx context.Context, id ID, subject string) error {
	if err := c.store.Delete(ctx, id.String()); err != nil {
		return storeError(err)
	}
	if c.index != nil && subject != "" {
		if err := c.index.Unindex(ctx, subject, id); err != nil {
			return storeError(err)
		}
	}
	return nil
}

// enlist notes a session that is about to become a subject's.
func (y *cycle) enlist(ctx context.Context, w *write) error {
	if y.core.index == nil || w.rec.Subject == "" {
		return nil
	}
	until := fromMillis(w.header.created + y.core.absolute)
	return storeError(y.core.index.Index(ctx, w.rec.Subject, w.rec.ID, until))
}

// unlist strikes off a session that has ended. Where that fails
// the index tells too much, which harms nobody.
func (y *cycle) unlist(ctx context.Context, subject string, id ID) {
	if y.core.index == nil || subject == "" {
		return
	}
	if err := y.core.index.Unindex(ctx, subject, id); err != nil {
		_ = y.failed("unindex", storeError(err))
	}
}

// limit ends the sessions of a subject that are too many, the oldest logins
// first. Of logins at the same time each may do this, with some of the others in
// view; since all agree which are the oldest, none ends too many, and the last
// one sees them all.
func (y *cycle) limit(ctx context.Context, subject string) {
	if y.core.perSubject == 0 || subject == "" {
		return
	}
	indexed, err := y.core.index.Indexed(ctx, subject)
	if err == nil && len(indexed) <= y.core.perSubject {
		return
	}
	members, err := y.core.members(ctx, "MaxPerSubject", subject)
	for len(members) > y.core.perSubject && err == nil {
		if err = y.core.remove(ctx, members[0].id, subject); err == nil {
			y.event(Event{Kind: EventDestroyed, ID: members[0].id, Subject: subject})
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
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-timer.C:
		return next, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}
