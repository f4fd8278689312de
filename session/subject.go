package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/typedsession/typedsession/internal/engine"
)

// Info describes a live session, for a page that lists a user's sessions. It
// holds nothing that would open the session.
type Info struct {
	ID              ID
	Label           string    // what Config.Label returned when the subject was established
	CreatedAt       time.Time // when the session was first stored
	AuthenticatedAt time.Time // when the subject was last established
	LastUsedAt      time.Time // when it was last used, to a tenth of IdleTimeout
	ExpiresAt       time.Time // when it ends if it is not used again
}

// errNoSubject is the error of a call that would mean all anonymous visitors.
var errNoSubject = errors.New("the subject is empty")

// Sessions returns the live sessions of a subject, the latest login first. The
// caller's own is the one whose ID is [Session.ID]. A session that is live during
// the whole call is always among them. The call reads all sessions of the subject
// from the store.
//
// Returns errors.ErrUnsupported if the store is no [store.SubjectIndex].
// Returns ErrUnavailable if the store does not answer.
// Returns another error if the subject is empty.
func (m *Manager[T]) Sessions(ctx context.Context, subject string) ([]Info, error) {
	if err := m.listable(subject); err != nil {
		return nil, wrap("Sessions", err)
	}
	sessions, err := m.engine.List(ctx, subject)
	if err != nil {
		return nil, wrap("Sessions", err)
	}
	infos := make([]Info, 0, len(sessions))
	for _, s := range slices.Backward(sessions) {
		infos = append(infos, Info{
			ID:              s.ID,
			Label:           s.Meta.Label,
			CreatedAt:       fromMillis(s.Meta.Created),
			AuthenticatedAt: fromMillis(s.Meta.Authenticated),
			LastUsedAt:      fromMillis(s.Meta.Extended),
			ExpiresAt:       fromMillis(s.Expires),
		})
	}
	return infos, nil
}

// listable returns why the sessions of a subject cannot be found, or nil.
func (m *Manager[T]) listable(subject string) error {
	switch {
	case subject == "":
		return errNoSubject
	case !m.engine.HasIndex():
		return fmt.Errorf("%s has no index of subjects: %w", m.engine.StoreType(), errors.ErrUnsupported)
	}
	return nil
}

// Revoke ends a session. After it has returned nil, no new request is served with
// the session's state, and no running one can bring the session back. If the
// store has a cache, other processes may serve the state for as long as the
// documentation of the store says. An ID without a session is not an error.
//
// Returns ErrUnavailable if the store does not answer: the session may have ended
// or not. Returns errors.ErrUnsupported if the client holds the sessions and there
// is no Config.Revoker.
func (m *Manager[T]) Revoke(ctx context.Context, id ID) error {
	if err := m.revocable(); err != nil {
		return wrap("Revoke", err)
	}
	subject, found, err := m.engine.Revoke(ctx, id)
	if err != nil {
		return wrap("Revoke", err)
	}
	if found {
		m.events.emit(ctx, []Event{{Kind: EventDestroyed, ID: id, Subject: subject}})
	}
	return nil
}

// revocable returns why a session cannot be revoked, or nil.
func (m *Manager[T]) revocable() error {
	if m.engine.ClientHeld() && !m.engine.HasRevoker() {
		return fmt.Errorf("%s leaves the sessions with the clients, and there is no Config.Revoker: %w", m.engine.StoreType(), errors.ErrUnsupported)
	}
	return nil
}

// RevokeSubject ends all sessions of a subject, except those with the given IDs,
// and returns how many it has ended. Call it after a changed password, or when an
// account is closed. What [Manager.Revoke] promises for one session holds for each
// of them.
//
// RevokeSubject covers logins in flight: a login of the subject whose request
// arrived before the call is not stored, and fails with [ErrRevoked]. Each process
// takes these times from its own clock. If the clock of a process is ahead by a
// second, a login survives that it received up to a second before the revocation.
// A request that excepts its own session may still log in.
//
// If the client holds the sessions, the count is always 0, and passing except is
// an error that matches errors.ErrUnsupported; use [Session.RevokeOthers].
//
// Returns the errors of [Manager.Sessions] and of Revoke. The count is then that
// of the sessions that were ended, and the call can be repeated.
func (m *Manager[T]) RevokeSubject(ctx context.Context, subject string, except ...ID) (int, error) {
	n, err := m.revokeSubject(ctx, subject, except)
	return n, wrap("RevokeSubject", err)
}

func (m *Manager[T]) revokeSubject(ctx context.Context, subject string, except []ID) (int, error) {
	if m.engine.ClientHeld() && subject != "" {
		if err := m.revocable(); err != nil {
			return 0, err
		}
		if len(except) > 0 {
			return 0, fmt.Errorf("with exceptions: a Revoker cannot tell one session from another: %w", errors.ErrUnsupported)
		}
		before, err := engine.NextMilli(ctx)
		if err == nil {
			err = m.engine.RevokeClientHeld(ctx, subject, before)
		}
		return 0, err
	}
	if err := m.listable(subject); err != nil {
		return 0, err
	}
	ended, err := m.engine.RevokeSubject(ctx, subject, except...)
	events := make([]Event, 0, len(ended))
	for _, id := range ended {
		events = append(events, Event{Kind: EventDestroyed, ID: id, Subject: subject})
	}
	m.events.emit(ctx, events)
	if s, ok := ctx.Value(m).(*Session[T]); ok && err == nil {
		s.outlast(except)
	}
	return len(ended), err
}

// outlast lets the session log in after a revocation of its subject that its own
// request has made, if it was excepted.
func (s *Session[T]) outlast(except []ID) {
	u := s.unit.Load()
	if u == nil || !slices.Contains(except, u.look().id) {
		return
	}
	u = s.lock("RevokeSubject")
	defer s.mu.Unlock()
	u.arrived = time.Now().UnixMilli()
}

// RevokeOthers ends all other sessions of the subject of this session's state,
// unsaved updates included, and returns how many it has ended. It covers logins in
// flight like [Manager.RevokeSubject]. If the client holds the sessions, it also
// saves this one, because its cookie must differ from the others; the count is
// then 0.
//
// Returns the errors of RevokeSubject and of [Session.Save].
func (s *Session[T]) RevokeOthers(ctx context.Context) (int, error) {
	if err := s.Err(); err != nil {
		return 0, err
	}
	state := s.State()
	subject := s.m.cfg.Subject(&state)
	if !s.m.engine.ClientHeld() || subject == "" {
		n, err := s.m.revokeSubject(ctx, subject, []ID{s.ID()})
		if err == nil {
			s.outlast([]ID{s.ID()})
		}
		return n, wrap("RevokeOthers", err)
	}
	if err := s.m.revocable(); err != nil {
		return 0, wrap("RevokeOthers", err)
	}
	// Later than every login until now, by which it is told from them. It is no
	// login of its own: an attacker with a stolen cookie must not make that look
	// recently authenticated.
	before, err := engine.NextMilli(ctx)
	if err != nil {
		return 0, wrap("RevokeOthers", err)
	}
	s.intend("RevokeOthers", func(u *unit[T]) {
		u.intent.renew, u.intent.exempt = true, true
		u.arrived = before.UnixMilli()
	})
	if err := s.Save(ctx); err != nil {
		return 0, err
	}
	return 0, wrap("RevokeOthers", s.m.engine.RevokeClientHeld(ctx, subject, before))
}
