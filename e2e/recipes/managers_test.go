package recipes_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// User is the state of an application that is served in several ways.
type User struct{ ID string }

func userOf(u *User) string { return u.ID }

// app is that application. session.From finds the session of the manager whose
// Wrap the request came through.
func app() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		session.From[User](r.Context()).Login(func(u *User) { u.ID = r.FormValue("user") })
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, session.From[User](r.Context()).State().ID)
	})
	return mux
}

// SecureByRequest serves each request with a Secure cookie if it came over TLS,
// and without if it did not: an application that is reached by plain HTTP in the
// local network, and over HTTPS through a proxy. The two cookies have different
// names, so that an attacker in the network cannot plant or read the Secure one.
// Both kinds of session are in one store: RevokeSubject ends both.
func SecureByRequest(secure, plain *session.Manager[User], isTLS func(*http.Request) bool, next http.Handler) http.Handler {
	withSecure, withPlain := secure.Wrap(next), plain.Wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isTLS(r) {
			withSecure.ServeHTTP(w, r)
		} else {
			withPlain.ServeHTTP(w, r)
		}
	})
}

// isTLS believes X-Forwarded-Proto from the proxy only, which must set it itself.
func isTLS(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	fromProxy := err == nil && host == "10.0.0.1"
	return r.TLS != nil || fromProxy && r.Header.Get("X-Forwarded-Proto") == "https"
}

func TestSecureByRequest(t *testing.T) {
	st, key := memory.New(), session.NewKey()
	secure := newManager(t, st, session.Config[User]{Keys: []session.Key{key}, Subject: userOf})
	plain := newManager(t, st, session.Config[User]{
		Keys: []session.Key{key}, Subject: userOf, Cookie: session.Cookie{InsecureHTTP: true},
	})
	handler := SecureByRequest(secure, plain, isTLS, app())
	login := func(user, from, proto string) *http.Cookie {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "http://app.test/login?user="+user, nil)
		r.RemoteAddr = from + ":1234"
		if proto != "" {
			r.Header.Set("X-Forwarded-Proto", proto)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		c, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tt := range []struct {
		from, proto string
		secure      bool
	}{
		{"10.0.0.1", "https", true},
		{"10.0.0.1", "http", false},
		{"10.0.0.7", "", false},
		{"10.0.0.7", "https", false}, // a client's own header
	} {
		c := login("ann", tt.from, tt.proto)
		if c.Secure != tt.secure || strings.HasPrefix(c.Name, "__Host-") != tt.secure {
			t.Errorf("from %s over %q: %s, Secure: %v", tt.from, tt.proto, c.Name, c.Secure)
		}
	}
	if n, err := secure.RevokeSubject(t.Context(), "ann"); n != 4 || err != nil {
		t.Errorf("RevokeSubject ends %d sessions, %v; want all 4", n, err)
	}
}

// Brands serves one application under several names. Each has a manager of its
// own, with keys, a store and a cookie of its own. A Host of no brand is refused,
// and does not get the first one's sessions.
func Brands(managers map[string]*session.Manager[User], next http.Handler) http.Handler {
	wrapped := make(map[string]http.Handler, len(managers))
	for host, m := range managers {
		wrapped[host] = m.Wrap(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(r.Host)
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		h, ok := wrapped[host]
		if !ok {
			http.Error(w, "no such site", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func TestBrandsShareNoSession(t *testing.T) {
	stores := map[string]store.Store{"one.test": memory.New(), "two.test": memory.New()}
	managers := make(map[string]*session.Manager[User])
	for host, st := range stores {
		managers[host] = newManager(t, st, session.Config[User]{Subject: userOf})
	}
	handler := Brands(managers, app())
	b := newBrowser(t, handler)
	b.get("https://one.test/login?user=ann")
	b.get("https://one.test/who").wants(t, http.StatusOK, "ann")
	b.get("https://ONE.test:443/who").wants(t, http.StatusOK, "ann")
	b.get("https://two.test/who").wants(t, http.StatusOK, "")
	b.get("https://three.test/who").wants(t, http.StatusMisdirectedRequest, "no such site")

	// A cookie of one brand opens nothing at another.
	r := httptest.NewRequest(http.MethodGet, "https://one.test/login?user=ann", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	r = httptest.NewRequest(http.MethodGet, "https://two.test/who", nil)
	r.Header.Set("Cookie", w.Header().Get("Set-Cookie"))
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Body.String() != "" {
		t.Errorf("two.test is shown %q", w.Body)
	}
}
