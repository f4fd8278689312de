package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// Session is one client's session in the course of one request. It may be used
// by all goroutines of the request. After the handler has returned it can still
// be read, but a change is not kept, and reported as a failure.
type Session[T any] struct {
	m       *Manager[T]
	request *http.Request // nil after LoadToken
	arrived atomic.Int64  // when the request arrived at Wrap

	// turn is held by whoever runs a callback, encodes the state or talks to
	// the store. The callbacks may use the session all the same: see lock.
	turn  sync.Mutex
	live  atomic.Pointer[live[T]] // nil until the session is first used
	begun atomic.Bool             // the response has begun
	over  atomic.Bool             // the handler has returned: nothing more is saved
}

// Status says what has become of a session in this request.
type Status uint8

// The statuses of a session.
const (
	StatusUnchanged Status = iota // nothing was changed
	StatusChanged                 // the state was updated, whether or not it differs
	StatusRenewed                 // the secret was renewed, or is about to be
	StatusDestroyed               // it was destroyed, and not begun anew
)

// String returns the status in one lower-case word.
func (s Status) String() string {
	switch s {
	case StatusUnchanged:
		return "unchanged"
	case StatusChanged:
		return "changed"
	case StatusRenewed:
		return "renewed"
	case StatusDestroyed:
		return "destroyed"
	}
	return "unknown"
}

// State returns a copy of the state. It is a shallow one: changing a map, or an
// element of a slice, in place would change it behind the session's back, and
// for this request only. That is what [Session.Update] is for. Nor may one
// goroutine read a map of the copy while another one updates it.
func (s *Session[T]) State() T {
	l := s.live.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}

// Update changes the state by fn, now. The session is saved before the response
// begins; when another request has changed it meanwhile, fn is called again on
// the state that the other one left, and once more after each further conflict.
// So fn should change what it is given, depend on little else, and do nothing
// that must not be done twice.
//
// Do not call a method that changes the session from fn, nor write the response:
// both panic.
func (s *Session[T]) Update(fn func(*T)) {
	l := s.live.Load()
	s.enter("Update")
	defer s.unlock(context.Background())
	l.relied = true
	if s.over.Load() {
		l.fail(fmt.Errorf("session: Update after the handler has returned: %w", ErrCommitted))
	}
	done := false
	defer func() {
		if !done { // fn has panicked
			_ = l.undo()
		}
	}()
	_ = l.apply(func(value *T) error { fn(value); return nil })
	done = true
	l.updates = append(l.updates, fn)
	l.changed()
}

// Take reads a field of the state and sets it to zero, so that a value is used
// only once: a flash message, a return address. What another request has put
// there meanwhile stays for the next one. Two requests at once may both take the
// same value; where that matters, as with one-time codes, use
// [Session.Transact].
func Take[T, V any](s *Session[T], field func(*T) *V) V {
	var taken V
	first := true
	s.Update(func(state *T) {
		var zero V
		p := field(state)
		switch {
		case first:
			taken, *p, first = *p, zero, false
		case reflect.DeepEqual(*p, taken): // repeated after a conflict
			*p = zero
		}
	})
	return taken
}

// Clear sets the state to the initial one. The session goes on: use
// [Session.Destroy] for a logout.
func (s *Session[T]) Clear() {
	s.Update(func(state *T) { *state = s.m.initial() })
}

// Transact is for decisions that must be made on the current state: one-time
// codes, counters of attempts. It loads the state anew, applies pending updates
// to it and then fn, and saves the result, all again when another request gets
// in between. When it returns nil, the change is in the store. When fn returns
// an error, nothing is changed or saved, and Transact returns that error.
//
// A store that keeps the state with the client cannot do this; the error is then
// [errors.ErrUnsupported]. It is [ErrNotFound] when the session has ended
// meanwhile, [ErrCommitted] when the response has begun and the change needs a
// new cookie. What [Session.Update] says of its fn holds for this one.
func (s *Session[T]) Transact(ctx context.Context, fn func(*T) error) error {
	l := s.live.Load()
	s.enter("Transact")
	defer s.unlock(ctx)
	l.relied = true
	switch {
	case l.err != nil:
		return l.err
	case s.over.Load():
		return fmt.Errorf("session: Transact after the handler has returned: %w", ErrCommitted)
	case s.m.core.clientHeld:
		return fmt.Errorf("session: Transact: %T keeps nothing on the server: %w", s.m.core.store, errors.ErrUnsupported)
	}
	err := l.transact(ctx, fn)
	if err == nil {
		l.changed()
	}
	return err
}

// Save saves now what would be saved before the response begins. Its errors are
// those of [Session.Transact]. A new token still leaves with the response.
func (s *Session[T]) Save(ctx context.Context) error {
	l := s.live.Load()
	s.enter("Save")
	defer s.unlock(ctx)
	l.relied = true
	switch {
	case l.err != nil:
		return l.err
	case s.over.Load():
		return fmt.Errorf("session: Save after the handler has returned: %w", ErrCommitted)
	}
	l.loaded = time.Now().UnixMilli()
	return l.save(ctx, nil)
}

// Renew gives the session a new secret when it is saved, for a change of
// privileges that does not change the subject. The old token is dead from then
// on. A new session has nothing to renew.
func (s *Session[T]) Renew() {
	s.intend(func(l *live[T]) {
		l.renew = true
		l.show(func(v *view) { v.status = StatusRenewed })
	})
}

// SetPersistent decides whether the cookie of this session outlives the browser
// ("remember me"). It counts from the next save on, and by itself makes no
// session of an anonymous visitor.
func (s *Session[T]) SetPersistent(persistent bool) {
	s.intend(func(l *live[T]) { l.persist = &persistent })
}

// Destroy ends the session: when it is saved, the record is deleted and the
// cookie expired. What was not saved is forgotten. An Update after it begins a
// new session under a new ID.
func (s *Session[T]) Destroy() {
	s.intend(func(l *live[T]) { _ = l.destroy() })
}

// intend notes what the request wants. Inside a callback it waits until that has
// returned.
func (s *Session[T]) intend(wish func(*live[T])) {
	l := s.live.Load()
	s.enter("a method that changes the session")
	defer s.unlock(context.Background())
	l.relied = true
	if s.over.Load() {
		l.fail(fmt.Errorf("session: change after the handler has returned: %w", ErrCommitted))
	}
	wish(l)
}

// Err returns why the session could not be loaded, or nil.
func (s *Session[T]) Err() error { return s.live.Load().err }

// ID returns the session's public handle. A new session is stored under it when
// it is saved, if it is; Destroy changes it.
func (s *Session[T]) ID() ID { return s.live.Load().drawID() }

// IsNew reports whether the session did not exist before this request.
func (s *Session[T]) IsNew() bool { return s.live.Load().look().isNew }

// Status returns what has become of the session in this request so far.
func (s *Session[T]) Status() Status { return s.live.Load().look().status }

// CreatedAt returns when the session was first stored, or the zero Time.
func (s *Session[T]) CreatedAt() time.Time { return fromMillis(s.live.Load().look().created) }

// ExpiresAt returns when the session will end if it is not extended, or the zero
// Time where it is not stored.
func (s *Session[T]) ExpiresAt() time.Time { return fromMillis(s.live.Load().look().expires) }

// Format implements [fmt.Formatter]: with every verb a session prints as its ID,
// and shows neither its state nor its token.
func (s *Session[T]) Format(f fmt.State, _ rune) {
	id := ID{}
	if l := s.live.Load(); l != nil {
		id = l.id()
	}
	_, _ = io.WriteString(f, "session "+id.String())
}
