// Package sessiontest helps applications to test their own handlers: with a
// cookie or a context that carries a given state, and with a check for changes
// that bypass [session.Session.Update].
package sessiontest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Request returns r with the token of a new session of m whose state is state,
// in the cookie or the header that m uses. Where state is what m begins with
// anyway, there is nothing to store, and r is left without a token.
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
// client with a cookie jar.
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

// Context returns a context that carries a session whose state is state, for
// code that calls [session.From] but is not given a request. It is a live one,
// unless state is the initial state: see [Request]. The session is kept in memory
// until the test ends.
func Context[T any](t testing.TB, state T) context.Context {
	t.Helper()
	m, err := session.NewManager(memory.New(), session.Config[T]{
		Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[T],
	})
	if err != nil {
		t.Fatalf("sessiontest: %v", err)
	}
	r := Request(t, m, httptest.NewRequest(http.MethodGet, "/", nil), state)
	ready, stop, done := make(chan context.Context), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ready <- r.Context()
			<-stop
		})).ServeHTTP(httptest.NewRecorder(), r)
	}()
	t.Cleanup(func() { close(stop); <-done })
	return <-ready
}
