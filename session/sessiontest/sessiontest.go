// Package sessiontest helps applications to test their own handlers and states.
//
// [Request], [Cookies] and [Context] start a session with a given state, so that
// a test need not log in first. [DetectMutation] finds changes that bypass
// [session.Session.Update], and [RoundTrip] finds parts of a state that a codec
// loses.
package sessiontest

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/session"
)

// Request returns a copy of r with the token of a new session of m whose state is
// state, in the cookie or the header that m uses. If the state has a subject, it
// counts as just authenticated. If state is the initial state, no session is
// stored and the copy has no token. It fails t at once if the session cannot be
// stored.
func Request[T any](t testing.TB, m *session.Manager[T], r *http.Request, state T) *http.Request {
	t.Helper()
	response := response(t, m, state)
	r = r.Clone(r.Context())
	for _, cookie := range response.Cookies() {
		r.AddCookie(cookie)
	}
	// All that such a response has beside its token says how to cache it.
	for name, values := range response.Header {
		if name != "Set-Cookie" && name != "Vary" && name != "Cache-Control" {
			r.Header[name] = values
		}
	}
	return r
}

// Cookies returns the cookies of a new session of m whose state is state, for a
// client with a cookie jar. It returns none if state is the initial state, or if a
// header carries the token. It fails t at once if the session cannot be stored.
func Cookies[T any](t testing.TB, m *session.Manager[T], state T) []*http.Cookie {
	t.Helper()
	return response(t, m, state).Cookies()
}

// response returns a response that starts a session.
func response[T any](t testing.TB, m *session.Manager[T], state T) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	var err error
	m.Handle(func(_ http.ResponseWriter, r *http.Request, s *session.Session[T]) {
		s.Update(func(current *T) { *current = state })
		err = s.Save(r.Context())
	}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	return w.Result()
}

// Context returns a context derived from ctx that carries a new session of m whose
// state is state, for code that calls [session.From] or [session.Manager.From] and
// is not given a request. The session is stored, unless state is the initial
// state: see [Request]. Changes can be saved until t ends; what is not saved then
// is saved as at the end of a handler. ctx must not carry a session of m.
func Context[T any](ctx context.Context, t testing.TB, m *session.Manager[T], state T) context.Context {
	t.Helper()
	r := Request(t, m, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx), state)
	next, stop := iter.Pull(func(yield func(context.Context) bool) {
		m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			yield(r.Context())
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
	t.Cleanup(stop) // the handler returns
	ctx, _ = next()
	return ctx
}
