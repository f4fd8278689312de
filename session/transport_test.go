package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

func TestTokensInHeaders(t *testing.T) {
	tests := []struct {
		name      string
		transport session.Transport
		header    string
		prefix    string
		vary      string
	}{
		{"a header of one's own", session.Header("x-session"), "X-Session", "", "X-Session"},
		{"bearer credentials", session.Bearer(), "Authorization", "Bearer ", "Authorization"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, memory.New(), func(c *session.Config[state]) { c.Transport = test.transport })
			do := func(value string, handler http.HandlerFunc) http.Header {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				if value != "" {
					r.Header.Set(test.header, value)
				}
				w := httptest.NewRecorder()
				m.Wrap(handler).ServeHTTP(w, r)
				if w.Header().Get("Set-Cookie") != "" {
					t.Error("a cookie was set")
				}
				return w.Header()
			}
			count := func(value string) (n int) {
				do(value, func(_ http.ResponseWriter, r *http.Request) { n = from(r).State().Count })
				return n
			}

			header := do("", increment)
			token := header.Get(test.header)
			if len(token) < 50 || token[:len(test.prefix)] != test.prefix {
				t.Fatalf("new token %q", token)
			}
			if header.Get("Vary") != test.vary || header.Get("Cache-Control") != "no-store" {
				t.Errorf("Vary %q, Cache-Control %q", header.Get("Vary"), header.Get("Cache-Control"))
			}
			if header = do(token, increment); header.Get(test.header) != "" {
				t.Errorf("an unchanged token is sent again: %q", header.Get(test.header))
			}
			if got := count(token); got != 2 {
				t.Errorf("the session counts %d, want 2", got)
			}
			for name, value := range map[string]string{
				"a foreign token": test.prefix + "AAAA", "half a token": token[:len(token)/2],
				"the scheme alone": test.prefix, "another scheme": "Basic " + token[len(test.prefix):],
			} {
				if value != "" && count(value) != 0 {
					t.Errorf("%s opens the session", name)
				}
			}
			renewed := do(token, login).Get(test.header)
			if renewed == "" || renewed == token || count(renewed) != 2 || count(token) != 0 {
				t.Errorf("after a login: token %q, session counts %d, by the old token %d", renewed, count(renewed), count(token))
			}
			header = do(renewed, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() })
			if values, ok := header[test.header]; !ok || len(values) != 1 || values[0] != "" {
				t.Errorf("after Destroy the header is %q, want one empty value", values)
			}
			if count(renewed) != 0 {
				t.Error("the session outlives Destroy")
			}
		})
	}
}

func TestBearerSchemeIsCaseInsensitive(t *testing.T) {
	m := newManager(t, memory.New(), func(c *session.Config[state]) { c.Transport = session.Bearer() })
	w := httptest.NewRecorder()
	m.Wrap(http.HandlerFunc(increment)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "bEARER "+w.Header().Get("Authorization")[len("Bearer "):])
	m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[state]) {
		if s.State().Count != 1 {
			t.Error("the session does not open")
		}
	}).ServeHTTP(httptest.NewRecorder(), r)
}

func TestACookieIsNoTokenOfAHeader(t *testing.T) {
	store, key := memory.New(), session.NewKey()
	inCookie := newManager(t, store, func(c *session.Config[state]) { c.Keys = []session.Key{key} })
	inHeader := newManager(t, store, func(c *session.Config[state]) {
		c.Keys = []session.Key{key}
		c.Transport = session.Bearer()
	})
	b := newBrowser(t, nil)
	b.do(inCookie, increment)
	if got := b.read(inHeader).Count; got != 0 {
		t.Error("a manager of headers reads cookies")
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+b.cookies["__Host-session"])
	inHeader.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[state]) {
		if !s.IsNew() {
			t.Error("a cookie's token is good in a header")
		}
	}).ServeHTTP(httptest.NewRecorder(), r)
}
