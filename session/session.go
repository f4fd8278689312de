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

	"github.com/typedsession/typedsession/internal/transport"
)

// Session is one client's session within one request. It may be used by all
// goroutines of the request. After the handler has returned it can still be read,
// but changes are not saved, and each of them is reported as an EventFailed.
//
// The functions passed to Update, Login and Transact may read the session. They
// must not change a session, write the response, or wait for a goroutine that
// does either. Such a call panics if it would wait for itself.
type Session[T any] struct {
	m       *Manager[T]
	request *http.Request // nil after LoadToken
	header  tokenHeader
	arrived int64 // Unix milliseconds

	// mu is held while a callback runs, the state is encoded or the store is
	// asked. It guards the unit, except for what readers see: unit.read has a
	// lock of its own that is never held for long. Events are passed on after mu
	// is released.
	mu       sync.Mutex
	unit     atomic.Pointer[unit[T]] // nil until the session is first used
	progress atomic.Uint32           // how far the response is; stored under mu
}

// How far a response is.
const (
	responseOpen      = iota
	responseCommitted // the header has left, or will be written without the session
	handlerReturned   // nothing more is saved
)

// Status says what has become of a session in this request.
type Status uint8

// The statuses of a session.
const (
	StatusUnchanged Status = iota // nothing was changed
	StatusChanged                 // the state was updated, whether or not it differs
	StatusRenewed                 // the secret was renewed, or is about to be
	StatusDestroyed               // it was destroyed, and no new one was started
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

// State returns a shallow copy of the state, with the updates of this request.
// Do not change a map or an element of a slice of it in place: the change would
// be seen in this request and not be saved. Use [Session.Update]. Inside a
// callback, State returns the state before the callback. It does not call the
// store.
func (s *Session[T]) State() T {
	u := s.unit.Load()
	u.read.mu.Lock()
	defer u.read.mu.Unlock()
	return u.read.state
}

// Update calls fn to change the state at once. The change is saved before the
// response begins. Do not put into the response what depends on concurrent
// requests, such as the length of a list, before [Session.Save] has returned nil.
//
// If a concurrent request has changed the session when it is saved, fn is called
// again on the state that the other request has left, and once more after each
// further conflict. So fn should change fields of the state that it is given,
// depend on nothing else that changes, and do nothing that must not be done twice.
// Do not assign a changed copy of State to it: that undoes what the other request
// has saved.
//
// If the session ends before it is saved, ErrorHandler responds with [ErrEnded].
// If the deadline of the request's context has passed, the change is not saved
// and ErrorHandler responds, unless a middleware such as http.TimeoutHandler has
// responded already. After the response has begun, the change is saved when the
// handler returns, unless it needs a new token; in a handler that streams, call
// Save. If fn panics, the state is what it was, and the panic goes on.
func (s *Session[T]) Update(fn func(*T)) {
	s.update("Update", fn, func(*unit[T]) {})
}

// Login is an Update after which the subject counts as just authenticated: the
// save renews the secret and sets [Session.AuthenticatedAt], also if the subject
// stays the same. Call it when the password was correct, with a function that
// sets the user, and with nil when a user who is logged in has confirmed the
// password. An Update that changes the subject has the same effect; one that sets
// the user who is logged in already does not renew the secret.
//
// The save returns [ErrRevoked] if the subject was revoked after the request had
// arrived, and [ErrWithheld] if the browser has withheld its cookie.
func (s *Session[T]) Login(fn func(*T)) {
	s.update("Login", fn, func(u *unit[T]) {
		u.intent.renew, u.intent.login = true, true
		u.show(func(v *view) { v.status = StatusRenewed })
	})
}

func (s *Session[T]) update(call string, fn func(*T), then func(*unit[T])) {
	u := s.lock(call)
	defer s.unlock(context.Background())
	s.require(call, u)
	if fn != nil {
		done := false
		defer func() {
			if !done { // fn has panicked
				_ = u.replay(u.base())
			}
		}()
		_ = u.apply(func(state *T) error { fn(state); return nil })
		done = true
		c := u.opened()
		c.updates = append(c.updates, fn)
		u.changed()
	}
	then(u)
}

// Take returns a field of the state and sets it to zero, so that a value is used
// once: a flash message, a return address. If the field is zero or empty, it
// changes nothing, and the session is not written. A value that a concurrent
// request puts into the field is kept for a later Take; of a slice or a map only
// the returned elements are removed. Two concurrent requests may both take the
// same value. If that matters, as with one-time codes, use [Session.Transact].
func Take[T, V any](s *Session[T], field func(*T) *V) V {
	var zero V
	state := s.State()
	if isEmpty(reflect.ValueOf(field(&state)).Elem()) {
		return zero
	}
	var taken V
	first := true
	s.Update(func(state *T) {
		p := field(state)
		if first {
			taken, *p, first = *p, zero, false
			return
		}
		remove(reflect.ValueOf(p).Elem(), reflect.ValueOf(&taken).Elem())
	})
	return taken
}

// isEmpty reports whether there is nothing to take.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// remove removes what was taken from v, which another request may have changed.
func remove(v, taken reflect.Value) {
	switch {
	case reflect.DeepEqual(v.Interface(), taken.Interface()):
		v.SetZero()
	case v.Kind() == reflect.Slice && v.Len() > taken.Len() &&
		reflect.DeepEqual(v.Slice(0, taken.Len()).Interface(), taken.Interface()):
		v.Set(v.Slice(taken.Len(), v.Len()))
	case v.Kind() == reflect.Map:
		for _, key := range taken.MapKeys() {
			if has := v.MapIndex(key); has.IsValid() && reflect.DeepEqual(has.Interface(), taken.MapIndex(key).Interface()) {
				v.SetMapIndex(key, reflect.Value{})
			}
		}
	}
}

// Clear is an Update that sets the state to the initial one. The session keeps
// its ID and its record. Use [Session.Destroy] for a logout.
func (s *Session[T]) Clear() {
	s.Update(func(state *T) { _ = s.m.decode(nil, state) })
}

// Transact changes the state by a decision that must be made on the current one:
// a one-time code, a counter of attempts. It reloads the state, applies pending
// updates and fn, and saves. If a concurrent request changes the session before
// that, Transact starts over with the reload, so fn may run several times, and in
// several requests at once. Do not call another server from fn. If Transact
// returns nil, the change is in the store. If fn returns an error, nothing is
// changed or saved, and Transact returns that error as it is. It costs one read
// of the store, past a cache, and one write.
//
// Returns errors.ErrUnsupported if the client holds the state.
// Returns ErrEnded, which matches ErrNotFound, if the session has ended.
// Returns ErrCommitted if the response has begun and the change needs a new
// token, or if the handler has returned.
// Returns ErrConflict if concurrent requests kept changing the session.
// Returns ErrTooLarge, ErrFull, ErrRevoked or ErrWithheld if that is why the
// session cannot be stored.
// Returns ErrUnavailable if the store did not answer: the change may have been
// applied. It wraps the error of ctx if that has ended.
func (s *Session[T]) Transact(ctx context.Context, fn func(*T) error) (err error) {
	u := s.lock("Transact")
	defer s.unlock(ctx)
	if err := s.ready("transact", u); err != nil {
		return err
	}
	if s.m.engine.ClientHeld() {
		return wrap("transact", fmt.Errorf("the client holds the state: %w", errors.ErrUnsupported))
	}
	done := false
	defer func() {
		if done {
			return
		}
		// fn has failed or panicked, or the result was not saved.
		if undo := u.replay(u.base()); err == nil {
			err = undo
		}
	}()
	var failed error // of fn
	u.opened()
	err = u.refresh(ctx)
	if err == nil {
		err = u.save(ctx, func() error {
			failed = u.apply(fn)
			return failed
		})
	}
	if err != nil {
		if failed != nil && errors.Is(err, failed) {
			return failed
		}
		return wrap("transact", err)
	}
	u.changed()
	done = true
	return nil
}

// Save saves at once what would be saved before the response begins. If it
// returns nil, State returns what is stored. A new token still leaves with the
// response. If nothing was changed and the session need not be extended, Save does
// not call the store. It returns the errors of [Session.Transact], except for
// errors.ErrUnsupported.
func (s *Session[T]) Save(ctx context.Context) error {
	u := s.lock("Save")
	defer s.unlock(ctx)
	if err := s.ready("save", u); err != nil {
		return err
	}
	return wrap("save", u.save(ctx, nil))
}

// Token saves the session and returns its token without a scheme, for a response
// that carries it in its body. The client sends it back as the [Transport]
// demands. It returns "" if no session is stored, because the state is the initial
// one and has no subject.
//
// Returns errors.ErrUnsupported if the transport is the cookie, which scripts
// must not read. Returns the errors of [Session.Save].
func (s *Session[T]) Token(ctx context.Context) (string, error) {
	if !s.m.cfg.Transport.isHeader {
		return "", wrap("token", fmt.Errorf("the transport is the cookie: %w", errors.ErrUnsupported))
	}
	u := s.lock("Token")
	defer s.unlock(ctx)
	if err := s.ready("token", u); err != nil {
		return "", err
	}
	if err := u.save(ctx, nil); err != nil || u.phase != phaseStored {
		return "", wrap("token", err)
	}
	return s.m.engine.Token(u.snapshot), nil
}

// Renew gives the session a new secret when it is saved, for a change of
// privileges that does not change the subject. The old token is invalid from then
// on. It has no effect on a new session, which has a new secret anyway, nor on
// one that a concurrent request has renewed.
func (s *Session[T]) Renew() {
	s.intend("Renew", func(u *unit[T]) {
		u.intent.renew = true
		u.show(func(v *view) { v.status = StatusRenewed })
	})
}

// SetPersistent decides whether the cookie of this session outlives the browser
// ("remember me"), in place of Config.Cookie.Persistent. It takes effect with the
// next save and is kept in the record. It does not change the timeouts, and by
// itself starts no session. It has no effect if a header carries the token.
func (s *Session[T]) SetPersistent(persistent bool) {
	s.intend("SetPersistent", func(u *unit[T]) { u.intent.persistent = &persistent })
}

// Destroy ends the session: when it is saved, the record is deleted and the
// cookie expired. What was not saved is dropped. An Update after it starts a new
// session under a new ID. But if another request has ended the session while this
// one was running, an Update after Destroy fails with [ErrEnded].
func (s *Session[T]) Destroy() {
	s.intend("Destroy", func(u *unit[T]) { _ = u.becomeNew() })
}

// intend notes what the request wants.
func (s *Session[T]) intend(call string, note func(*unit[T])) {
	u := s.lock(call)
	defer s.unlock(context.Background())
	s.require(call, u)
	note(u)
}

// Err returns why the session could not be loaded, or nil.
func (s *Session[T]) Err() error { return s.unit.Load().err }

// ID returns the session's public handle. The ID of a new session is drawn at the
// first call, and the session is stored under it if it is stored at all. Renewing
// the secret keeps the ID; Destroy changes it.
func (s *Session[T]) ID() ID { return s.unit.Load().drawID() }

// IsNew reports whether no session was live when this request loaded it. It stays
// true after the new session was saved, and becomes true after Destroy.
func (s *Session[T]) IsNew() bool { return s.unit.Load().look().isNew }

// Status returns what has become of the session in this request so far.
func (s *Session[T]) Status() Status { return s.unit.Load().look().status }

// CreatedAt returns when the session was first stored, or the zero Time if it is
// not stored.
func (s *Session[T]) CreatedAt() time.Time { return fromMillis(s.unit.Load().look().created) }

// ExpiresAt returns when the session ends if it is not extended, or the zero
// Time if it is not stored.
func (s *Session[T]) ExpiresAt() time.Time { return fromMillis(s.unit.Load().look().expires) }

// AuthenticatedAt returns when the session's subject was last established, by a
// change of the subject or by [Session.Login]. A login of this request counts
// when it is saved. Returns the zero Time if the stored state has no subject.
func (s *Session[T]) AuthenticatedAt() time.Time {
	return fromMillis(s.unit.Load().look().authenticated)
}

// Format implements [fmt.Formatter]: with every verb a session prints as its ID,
// and shows neither its state nor its token.
func (s *Session[T]) Format(f fmt.State, _ rune) {
	id := ID{}
	if u := s.unit.Load(); u != nil {
		id = u.look().id
	}
	_, _ = io.WriteString(f, "session "+id.String())
}

// from loads the session for a caller that relies on it.
func (s *Session[T]) from(ctx context.Context) *Session[T] {
	if s.load(ctx).err != nil {
		s.lock("From").needed = true
		s.mu.Unlock()
	}
	return s
}

// load returns the session's unit and loads it at the first call.
func (s *Session[T]) load(ctx context.Context) *unit[T] {
	if u := s.unit.Load(); u != nil && !u.passing {
		return u
	}
	s.mu.Lock()
	defer s.unlock(ctx)
	if u := s.unit.Load(); u != nil && (!u.passing || u.needed || ctx.Err() != nil) {
		return u
	}
	u := s.find(ctx)
	if u.err != nil && ctx.Err() != nil {
		if s.request.Context().Err() == nil {
			u.passing = true
		} else {
			// The client hung up, or a middleware has responded. A logout counts
			// all the same.
			own := detach(ctx)
			defer own.end()
			u = s.find(own)
		}
	}
	s.share(u)
	return u
}

func (s *Session[T]) newUnit() *unit[T] {
	return &unit[T]{m: s.m, request: s.request, arrived: s.arrived, progress: &s.progress}
}

// find loads the session that the request's token opens.
func (s *Session[T]) find(ctx context.Context) *unit[T] {
	u := s.newUnit()
	var buf [transport.MaxCandidates]transport.Candidate
	candidates, seen := s.m.transport.Read(buf[:0], s.header.lines())
	u.seen = seen
	u.load(ctx, candidates)
	return u
}

// share lets readers see u from now on.
func (s *Session[T]) share(u *unit[T]) {
	u.shared = true
	if u.committed() {
		u.stale = false // the client cannot be told of a new token
	}
	s.unit.Store(u)
}

// lock locks the session and returns its unit. It panics inside a callback if
// the session is locked: the callback would wait for itself.
func (s *Session[T]) lock(call string) *unit[T] {
	if !s.mu.TryLock() {
		if insideCallback() {
			panic("session: " + call + " inside Update or Transact, or another callback")
		}
		s.mu.Lock()
	}
	return s.unit.Load()
}

// unlock unlocks the session and passes its events on, since an observer may use
// the session.
func (s *Session[T]) unlock(ctx context.Context) {
	var events []Event
	if u := s.unit.Load(); u != nil {
		events, u.outbox.events = u.outbox.events, nil
	}
	s.mu.Unlock()
	if len(events) > 0 {
		s.m.events.emit(ctx, events)
	}
}

// require notes that the handler relies on the session, and reports a change that
// comes too late to be saved.
func (s *Session[T]) require(call string, u *unit[T]) {
	u.needed = true
	if s.progress.Load() == handlerReturned {
		_ = u.fail(call+" after the handler has returned", ErrCommitted)
	}
}

// ready notes that the handler relies on the session, and returns why it cannot
// be saved.
func (s *Session[T]) ready(call string, u *unit[T]) error {
	u.needed = true
	switch {
	case u.err != nil:
		return u.err
	case s.progress.Load() == handlerReturned:
		return wrap(call, fmt.Errorf("the handler has returned: %w", ErrCommitted))
	}
	return nil
}

// fromMillis converts Unix milliseconds; 0 is the zero Time.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
