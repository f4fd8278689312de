package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// TestTokenInTheBodyOfALogin: an API hands its token out in the body of the login's
// response, and the client sends it back as credentials.
func TestTokenInTheBodyOfALogin(t *testing.T) {
	m := newManager(t, memory.New(), func(c *session.Config[state]) { c.Transport = session.Bearer() })
	var token string
	w := httptest.NewRecorder()
	m.Handle(func(_ http.ResponseWriter, r *http.Request, s *session.Session[state]) {
		if got, err := s.Token(r.Context()); got != "" || err != nil {
			t.Errorf("the token of a session without a change: %q, %v", got, err)
		}
		s.Login(setUser("alice"))
		var err error
		if token, err = s.Token(r.Context()); err != nil || token == "" {
			t.Errorf("Token: %q, %v", token, err)
		}
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	serveOne(m, r, func(s *session.Session[state]) {
		if s.State().User != "alice" {
			t.Errorf("the token opens %+v", s.State())
		}
	})
	for _, text := range []string{token, "Bearer " + token, "bearer " + token} {
		if s, err := m.LoadToken(t.Context(), text); err != nil || s.State().User != "alice" {
			t.Errorf("LoadToken of %.10q: %v", text, err)
		}
	}
	for _, text := range []string{"", "Bearer ", "Basic " + token, "Bearer Bearer " + token} {
		if _, err := m.LoadToken(t.Context(), text); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("LoadToken of %.14q: %v, want ErrNotFound", text, err)
		}
	}
}

// TestNoTokenOfACookie: scripts must not read it.
func TestNoTokenOfACookie(t *testing.T) {
	g := newHarness(t)
	g.use(func(s *session.Session[state]) {
		s.Update(count)
		if token, err := s.Token(t.Context()); token != "" || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Token: %q, %v; want ErrUnsupported", token, err)
		}
	})
}

// TestTokenInAnotherResponseHeader: Authorization is a header of requests. RFC 9110
// section 11.6.2.
func TestTokenInAnotherResponseHeader(t *testing.T) {
	m := newManager(t, memory.New(), func(c *session.Config[state]) {
		c.Transport = session.Bearer().InResponse("x-session-token")
	})
	respond := func(r *http.Request, do func(*session.Session[state])) http.Header {
		return serveOne(m, r, do).Header
	}
	header := respond(httptest.NewRequest(http.MethodGet, "/", nil), func(s *session.Session[state]) { s.Login(setUser("alice")) })
	token, ok := strings.CutPrefix(header.Get("X-Session-Token"), "Bearer ")
	if !ok || header.Get("Authorization") != "" {
		t.Fatalf("header %v", header)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	header = respond(r, func(s *session.Session[state]) {
		if s.State().User != "alice" {
			t.Errorf("the token opens %+v", s.State())
		}
		s.Destroy()
	})
	if values := header["X-Session-Token"]; len(values) != 1 || values[0] != "" {
		t.Errorf("after a logout: %q", values)
	}
}

// TestGatewayRemovesItsTokens: what a reverse proxy passes on holds no token of the
// gateway's, and the gateway's own session goes on.
func TestGatewayRemovesItsTokens(t *testing.T) {
	m := newManager(t, memory.New(), func(c *session.Config[state]) { c.Cookie.FormerNames = []string{"sid"} })
	b := newBrowser(t, nil)
	b.do(m, login)
	b.cookies["sid"], b.cookies["theme"] = "old", "dark"
	response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		m.RemoveToken(r.Header) // before the session is looked at
		if got := r.Header.Get("Cookie"); got != "theme=dark" {
			t.Errorf("the upstream gets %q", got)
		}
		from(r).Update(count)
	})
	if got := b.read(m); cookieChange(response) != "" || got.User != "alice" || got.Count != 1 {
		t.Errorf("cookie %q, state %+v", cookieChange(response), got)
	}
}

// TestCookieHeaderDeletedBelowWrap: a middleware below Wrap deletes or replaces the
// header before the session is first used. The token was taken at Wrap.
func TestCookieHeaderDeletedBelowWrap(t *testing.T) {
	for name, change := range map[string]func(http.Header){
		"deleted":  func(h http.Header) { h.Del("Cookie") },
		"replaced": func(h http.Header) { h.Set("Cookie", "__Host-session=other") },
	} {
		m, b := newManager(t, memory.New()), newBrowser(t, nil)
		b.do(m, login)
		response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			change(r.Header)
			from(r).Update(count)
		})
		if got := b.read(m); cookieChange(response) != "" || got.User != "alice" || got.Count != 1 {
			t.Errorf("%s: cookie %q, state %+v", name, cookieChange(response), got)
		}
	}
}

// TestRequireSubject serves a page to users who are signed in.
func TestRequireSubject(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) })
	for _, test := range []struct {
		name   string
		option func(*session.Config[state])
		status int
		header string
	}{
		{"by a cookie", func(*session.Config[state]) {}, http.StatusForbidden, ""},
		{"by credentials", func(c *session.Config[state]) { c.Transport = session.Bearer() }, http.StatusUnauthorized, "Bearer"},
		{"with a handler", func(c *session.Config[state]) {
			c.LoginHandler = http.RedirectHandler("/login", http.StatusSeeOther)
		}, http.StatusSeeOther, ""},
	} {
		m := newManager(t, memory.New(), test.option)
		w := httptest.NewRecorder()
		m.Wrap(m.RequireSubject(page)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != test.status || w.Header().Get("WWW-Authenticate") != test.header {
			t.Errorf("%s: status %d, WWW-Authenticate %q", test.name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
	m, b := newManager(t, memory.New()), newBrowser(t, nil)
	b.do(m, login)
	b.handler = m.Wrap(m.RequireSubject(page))
	if got := body(t, b.get("/")); got != "page" {
		t.Errorf("signed in: %q", got)
	}
}

// TestHas asks without a panic, and without a load.
func TestHas(t *testing.T) {
	if session.Has[state](t.Context()) {
		t.Error("a context without a session has one")
	}
	g := newHarness(t)
	g.update(count)
	g.store.calls.Store(0)
	g.do(g.m, func(_ http.ResponseWriter, r *http.Request) {
		if !session.Has[state](r.Context()) || session.Has[string](r.Context()) {
			t.Error("Has is wrong inside of Wrap")
		}
	})
	if got := g.store.calls.Load(); got != 0 {
		t.Errorf("Has calls the store %d times", got)
	}
	if value, returned := unwind(func() { session.From[any](t.Context()) }); returned || !strings.Contains(value.(string), "no session of interface {}") {
		t.Errorf("From[any] panics with %v", value)
	}
}
