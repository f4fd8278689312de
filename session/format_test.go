package session_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/internal/vectortest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// tokenVectors returns the vectors of package token.
func tokenVectors(t testing.TB) map[string]map[string]string {
	t.Helper()
	t.Chdir("../internal/token")
	return vectortest.Read(t, 5)
}

func vectorManager(t testing.TB, v map[string]string) *session.Manager[state] {
	t.Helper()
	key, err := session.ParseKey(v["key"])
	if err != nil {
		t.Fatal(err)
	}
	var st store.Store = memory.New()
	if v["held"] == "by the client" {
		st = cookie.New()
	}
	return newManager(t, st, func(c *session.Config[state]) {
		c.Keys = []session.Key{key}
		c.Cookie.InsecureSignedOnly = v["protection"] == "signed"
		c.Cookie.MaxChunks = 8
		if v["header"] != "" {
			c.Transport = session.Header(v["header"])
		}
	})
}

// FuzzToken parses tokens in all the places where they come from outside.
func FuzzToken(f *testing.F) {
	all := tokenVectors(f)
	managers := map[string]*session.Manager[state]{}
	for name, v := range all {
		f.Add(v["token"])
		managers[name] = vectorManager(f, v)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for name, m := range managers {
			if s, err := m.LoadToken(t.Context(), token); err == nil {
				t.Errorf("%s: %q leads to %v", name, token, s)
			}
		}
	})
}

// FuzzCookieHeader reads a Cookie header as net/http does, and serves a request
// with it.
func FuzzCookieHeader(f *testing.F) {
	var m *session.Manager[state]
	for _, v := range tokenVectors(f) {
		f.Add("__Host-session="+v["token"], "lang=en")
		f.Add("lang=en; __Host-session=2."+v["token"]+"; __Host-session-1=AAAA", `__Host-session="`+v["token"]+`"`)
		if v["held"] == "by the client" {
			m = vectorManager(f, v)
		}
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = lines
		w := httptest.NewRecorder()
		m.Wrap(http.HandlerFunc(increment)).ServeHTTP(w, r)
		if w.Code != http.StatusOK || len(w.Header()["Set-Cookie"]) == 0 {
			t.Errorf("%q: status %d, Set-Cookie %q", lines, w.Code, w.Header()["Set-Cookie"])
		}
	})
}

func TestTokensAreURLSafe(t *testing.T) {
	b := newBrowser(t, nil)
	b.do(newManager(t, memory.New()), increment)
	if _, err := base64.RawURLEncoding.Strict().DecodeString(b.cookies["__Host-session"]); err != nil {
		t.Error(err)
	}
}
