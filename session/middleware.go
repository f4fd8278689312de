package session

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/typedsession/typedsession/internal/commitwriter"
	"github.com/typedsession/typedsession/internal/transport"
)

// sessionKey is the context key under which From finds a session of T.
type sessionKey[T any] struct{}

// request is all that a request needs, in one allocation: the context that
// carries the session, the session, and the response that commits it.
type request[T any] struct {
	context.Context
	session  Session[T]
	response commitwriter.Writer
}

// Value implements [context.Context].
func (q *request[T]) Value(key any) any {
	switch key := key.(type) {
	case sessionKey[T]:
		return &q.session
	case *Manager[T]:
		if key == q.session.m {
			return &q.session
		}
	}
	return q.Context.Value(key)
}

// Format implements [fmt.Formatter]. Contexts get printed, and by reflection
// that would read the session without its locks and show the token.
func (q *request[T]) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session context")
}

// From returns the session of the request that ctx belongs to, and loads it at
// the first call. It panics if no [Manager.Wrap] of a Manager[T] encloses the
// caller.
//
// If the session cannot be loaded, From returns one with the initial state whose
// [Session.Err] says why. Its changes are not saved, and ErrorHandler responds in
// place of the handler. So a handler need not check Err, except before it does
// something else that cannot be undone. Use [Load] to respond without a session.
func From[T any](ctx context.Context) *Session[T] {
	return must[T](ctx.Value(sessionKey[T]{})).from(ctx)
}

// Load is like [From] but returns the error if the session cannot be loaded. The
// handler may then respond without a session. If it changes the session anyway,
// ErrorHandler responds. A visitor without a session is no error: Load then
// returns a new session.
//
// Returns ErrUnavailable if the store does not answer.
func Load[T any](ctx context.Context) (*Session[T], error) {
	s := must[T](ctx.Value(sessionKey[T]{}))
	return s, s.load(ctx).err
}

// Has reports whether a [Manager.Wrap] of a Manager[T] encloses the caller, so
// that [From] does not panic. It does not load the session.
func Has[T any](ctx context.Context) bool {
	_, ok := ctx.Value(sessionKey[T]{}).(*Session[T])
	return ok
}

// From is like the function [From], and returns the session of this manager also
// if several managers share one T. It panics if no [Manager.Wrap] of m encloses
// the caller.
func (m *Manager[T]) From(ctx context.Context) *Session[T] {
	return must[T](ctx.Value(m)).from(ctx)
}

// Load is like the function [Load], and returns the session of this manager also
// if several managers share one T. It panics if no [Manager.Wrap] of m encloses
// the caller.
func (m *Manager[T]) Load(ctx context.Context) (*Session[T], error) {
	s := must[T](ctx.Value(m))
	return s, s.load(ctx).err
}

// must panics for a handler that is not wrapped.
func must[T any](value any) *Session[T] {
	s, ok := value.(*Session[T])
	if !ok {
		panic(fmt.Sprintf("session: no session of %v in the context: "+
			"is the handler inside Manager.Wrap, and its context the request's?", reflect.TypeFor[T]()))
	}
	return s
}

// tokenHeader holds the lines of the header that carries tokens. It holds them by
// pointers, which printing by reflection does not follow, and needs no memory of
// its own for one line.
type tokenHeader struct {
	one  *[1]string
	many *[]string
}

func newTokenHeader(lines []string) tokenHeader {
	switch len(lines) {
	case 0:
		return tokenHeader{}
	case 1:
		return tokenHeader{one: (*[1]string)(lines)}
	}
	many := append([]string(nil), lines...)
	return tokenHeader{many: &many}
}

func (h tokenHeader) lines() []string {
	switch {
	case h.one != nil:
		return h.one[:]
	case h.many != nil:
		return *h.many
	}
	return nil
}

// Wrap returns a handler that serves next with a session in the context of each
// request. Put it once outside of everything that uses the session. Inside of a
// Wrap of the same manager it does nothing. It starts no goroutine, and a request
// that does not use its session does not call the store. If next panics, nothing
// is saved that was not saved before, a Destroy included, and the panic goes on.
func (m *Manager[T]) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if ctx.Value(m) != nil {
			next.ServeHTTP(w, r)
			return
		}
		q := &request[T]{Context: ctx}
		r = r.WithContext(q)
		s := &q.session
		s.m, s.request, s.arrived = m, r, time.Now().UnixMilli()
		// Taken now: a proxy below may remove the header, and reading it later
		// would race with that.
		s.header = newTokenHeader(r.Header[m.transport.RequestHeader()])
		q.response.Init(w, q)
		completed := false
		defer func() {
			if !completed {
				// A panic commits nothing. It is not recovered, so that it goes
				// on unchanged.
				q.response.Abandon()
			}
		}()
		if m.cfg.EagerLoad && s.load(q).err != nil {
			s.from(q)
			_ = q.response.Commit() // ErrorHandler responds
		} else {
			next.ServeHTTP(q.response.ResponseWriter(), r)
			q.response.Finish()
		}
		completed = true
	})
}

// Handle returns a handler that calls h with the loaded session of the request.
// If the session cannot be loaded, h is not called and ErrorHandler responds. It
// works without a [Manager.Wrap] around it, and uses the session of one that
// encloses it.
func (m *Manager[T]) Handle(h func(http.ResponseWriter, *http.Request, *Session[T])) http.Handler {
	return m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.From(r.Context())
		if s.Err() != nil {
			return // the commit responds
		}
		h(w, r, s)
	}))
}

// RequireSubject returns a handler that serves next if the session has a subject,
// and otherwise Config.LoginHandler. It panics outside of [Manager.Wrap]. If the
// session cannot be loaded, ErrorHandler responds.
func (m *Manager[T]) RequireSubject(next http.Handler) http.Handler {
	return m.require(next, m.cfg.LoginHandler, func(s *Session[T]) bool {
		state := s.State()
		return m.cfg.Subject(&state) != ""
	})
}

// RequireRecentLogin returns a handler that serves next if the subject was
// authenticated less than maxAge ago, and otherwise Config.ReauthHandler. Use it
// for sensitive actions such as changing a password. It panics outside of
// [Manager.Wrap]. If the session cannot be loaded, ErrorHandler responds. If
// maxAge is zero or less, next is never served. See OWASP Session Management
// Cheat Sheet, "Reauthentication".
func (m *Manager[T]) RequireRecentLogin(maxAge time.Duration, next http.Handler) http.Handler {
	return m.require(next, m.cfg.ReauthHandler, func(s *Session[T]) bool {
		// The zero Time is too long ago for every maxAge.
		return time.Since(s.AuthenticatedAt()) < maxAge
	})
}

func (m *Manager[T]) require(next, otherwise http.Handler, ok func(*Session[T]) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.From(r.Context())
		switch {
		case s.Err() != nil: // the commit responds
		case ok(s):
			next.ServeHTTP(w, r)
		default:
			otherwise.ServeHTTP(w, r)
		}
	})
}

// Committed implements [commitwriter.Owner].
func (q *request[T]) Committed() bool { return q.session.progress.Load() != responseOpen }

// Commit implements [commitwriter.Owner].
func (q *request[T]) Commit(header http.Header) error {
	s := &q.session
	u := s.lock("response written")
	if u == nil {
		s.progress.Store(responseCommitted)
		s.mu.Unlock()
		return nil // the request has not used its session
	}
	progress := uint32(handlerReturned)
	defer func() {
		// If a replayed update has panicked and a caller recovers that, nothing
		// more is saved.
		s.progress.Store(progress)
		s.unlock(q)
	}()
	err := u.commit(q.Context)
	if err == nil {
		u.announce(header)
	} else if u.outbox.action == tellEnd {
		u.outbox.action = tellNothing // the record may still be there
	}
	u.stale = false
	progress = responseCommitted
	return err
}

// Refuse implements [commitwriter.Owner].
func (q *request[T]) Refuse(w http.ResponseWriter, err error) {
	s := &q.session
	s.mu.Lock()
	// The client must learn a secret that an earlier Save has renewed.
	s.unit.Load().announce(w.Header())
	s.mu.Unlock()
	transport.NoStore(w.Header())
	answered := false
	defer func() {
		if !answered { // it has panicked, and a caller may recover that
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	s.m.cfg.ErrorHandler(w, s.request, err)
	answered = true
}

// Finish implements [commitwriter.Owner].
func (q *request[T]) Finish(save bool) {
	s := &q.session
	s.mu.Lock()
	defer s.unlock(q)
	u := s.unit.Load()
	if save && u != nil && s.progress.Load() != handlerReturned && u.err == nil &&
		(u.destroyed != nil || u.dirty() || u.due()) {
		_ = u.commit(q.Context) // reported by an event
	}
	s.progress.Store(handlerReturned)
}
