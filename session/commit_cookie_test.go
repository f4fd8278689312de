package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

func TestCommit8SetCookieReplacesOnlyItsOwn(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		m := newManager(t, newSpyStore())
		s := serve(outer(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, line := range []string{
				"first=1", "__Host-session=stale; Path=/", "__Host-session-1=2",
				"session=3", "x__Host-session=4", "__Host-session=staler", "last=5",
			} {
				w.Header().Add("Set-Cookie", line)
			}
			if r.URL.Path == "/change" {
				increment(w, r)
			}
		}))))
		want := []string{"outer", "first", "__Host-session-1", "session", "x__Host-session", "last", "__Host-session"}
		if got := s.get("/change"); !sets(got.Header, want...) {
			t.Errorf("cookies: %q, want %q", setCookies(got.Header), want)
		}
		// Where there is nothing to say, there is nothing to replace.
		if got := setCookies(s.get("/").Header); len(got) != 8 {
			t.Errorf("cookies: %q, want all eight of the handler's", got)
		}
	})
}

// A middleware may have set its own slice of header lines on the header: the slice
// is replaced, not written to.
func TestCommit8SetCookieWritesToNoForeignSlice(t *testing.T) {
	original := []string{"__Host-session=stale", "a=1", "b=2"}
	shared := slices.Clone(original)
	m := newManager(t, newSpyStore())
	w := httptest.NewRecorder()
	w.Header()["Set-Cookie"] = shared
	m.Wrap(http.HandlerFunc(increment)).ServeHTTP(w, newBrowser(t, nil).request("/"))
	if diff := cmp.Diff(original, shared); diff != "" {
		t.Errorf("the slice (-before +after):\n%s", diff)
	}
	if !sets(w.Header(), "a", "b", "__Host-session") {
		t.Errorf("cookies: %q", setCookies(w.Header()))
	}
}

func TestCommit8SetCookieOnlyWhenTheClientMustLearn(t *testing.T) {
	const own, gone = "__Host-session", "__Host-session-"
	anonymous := func(cfg *session.Config[state]) {}
	persistent := func(cfg *session.Config[state]) { cfg.Cookie.Persistent = true }
	tests := []struct {
		name       string
		clientHeld bool
		option     func(*session.Config[state])
		act        http.HandlerFunc
		want       string
	}{
		{"read", false, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).State() }, ""},
		{"read, client-held", true, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).State() }, ""},
		{"change", false, anonymous, increment, ""},
		{"change, persistent", false, persistent, increment, own},
		{"change, client-held", true, anonymous, increment, own},
		{"change to the same", false, anonymous, setNote(""), ""},
		{"change to the same, client-held", true, anonymous, setNote(""), ""},
		{"login", false, anonymous, login, own},
		{"renew", false, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() }, own},
		{"persist", false, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).SetPersistent(true) }, own},
		{"persist no more", false, persistent, func(_ http.ResponseWriter, r *http.Request) { from(r).SetPersistent(false) }, own},
		{"persist as before", false, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).SetPersistent(false) }, ""},
		{"clear", false, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).Clear() }, ""},
		{"destroy", false, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }, gone},
		{"destroy, client-held", true, anonymous, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }, gone},
		{"destroy and begin a new session", false, anonymous, func(w http.ResponseWriter, r *http.Request) {
			from(r).Destroy()
			increment(w, r)
		}, own},
		{"not looked at", false, anonymous, func(http.ResponseWriter, *http.Request) {}, ""},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		var handler http.Handler
		s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
		for _, test := range tests {
			var st store.Store = newSpyStore()
			if test.clientHeld {
				st = cookie.New()
			}
			mux := http.NewServeMux()
			mux.HandleFunc("/begin", increment)
			mux.HandleFunc("/", test.act)
			handler = newManager(t, st, test.option).Wrap(mux)
			s.get("/begin")
			got := s.get("/")
			want := []string{test.want}
			if test.want == "" {
				want = nil
			}
			if !sets(got.Header, want...) {
				t.Errorf("%s: cookies: %q, want %q", test.name, setCookies(got.Header), want)
			}
			vary, cacheControl := "Cookie", ""
			if test.name == "not looked at" {
				vary = ""
			}
			if test.want != "" {
				cacheControl = "no-store"
			}
			if got.Header.Get("Vary") != vary || got.Header.Get("Cache-Control") != cacheControl {
				t.Errorf("%s: header %v, want Vary %q and Cache-Control %q", test.name, got.Header, vary, cacheControl)
			}
		}
	})
}

// Extending a session changes nothing for the client, unless its cookie has an
// expiry of its own.
func TestCommit8ExtensionSetsOnlyAPersistentCookie(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		t.Run(fmt.Sprint("persistent=", persistent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newJournalStore()
				m := newManager(t, st, func(cfg *session.Config[state]) { cfg.Cookie.Persistent = persistent })
				b := newBrowser(t, nil)
				b.do(m, increment)
				time.Sleep(10 * time.Minute)
				st.ops()
				got := b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r) })
				if ops := st.ops(); ops != "load update" {
					t.Errorf("the store was asked for %q, want load update", ops)
				}
				if n := len(got.Cookies()); n != 0 && !persistent || n != 1 && persistent {
					t.Errorf("%d cookies", n)
				}
			})
		})
	}
}

// A rotated key is out of use as soon as every client has a token under the new one.
func TestCommit8SealedAgainUnderTheNewestKey(t *testing.T) {
	older, newer := session.NewKey(), session.NewKey()
	for _, st := range []store.Store{newSpyStore(), cookie.New()} {
		keys := func(keys ...session.Key) func(*session.Config[state]) {
			return func(cfg *session.Config[state]) { cfg.Keys = keys }
		}
		before, after := newManager(t, st, keys(older)), newManager(t, st, keys(newer, older))
		b := newBrowser(t, nil)
		b.do(before, increment)
		look := func(_ http.ResponseWriter, r *http.Request) { from(r) }
		if _, ok := st.(store.ClientHeld); ok {
			// A read must not write back a state that another tab has ended.
			if got := b.do(after, look); !sets(got.Header) {
				t.Errorf("%T: cookies: %q, want none after a read", st, setCookies(got.Header))
			}
			b.do(after, func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() })
		} else if got := b.do(after, look); !sets(got.Header, "__Host-session") {
			t.Errorf("%T: cookies: %q, want the token under the newer key", st, setCookies(got.Header))
		}
		if got := b.do(after, look); !sets(got.Header) {
			t.Errorf("%T: cookies: %q, want none the second time", st, setCookies(got.Header))
		}
		if n := b.read(newManager(t, st, keys(newer))).Count; n != 1 {
			t.Errorf("%T: Count = %d under the newer key alone, want 1", st, n)
		}
	}
}

func TestCommit8CacheControlAndVary(t *testing.T) {
	tests := []struct {
		name                     string
		cacheControl, vary       []string // the handler's
		act                      http.HandlerFunc
		wantControl, wantVarying []string
	}{
		{"nothing said", nil, nil, increment, []string{"no-store"}, []string{"Cookie"}},
		{"public", []string{"public, max-age=60"}, nil, increment, []string{"no-store"}, []string{"Cookie"}},
		{"public, and nothing to learn", []string{"public, max-age=60"}, nil, nil, []string{"public, max-age=60"}, []string{"Cookie"}},
		{"stricter", []string{"private, No-Store, no-transform"}, nil, increment, []string{"private, No-Store, no-transform"}, []string{"Cookie"}},
		{"stricter, in two lines", []string{"private", "no-store"}, nil, increment, []string{"private", "no-store"}, []string{"Cookie"}},
		{"a directive that only looks alike", []string{`x="no-store"`, "no-store-ever"}, nil, increment, []string{"no-store"}, []string{"Cookie"}},
		{"Vary on another header", nil, []string{"Accept"}, increment, []string{"no-store"}, []string{"Accept", "Cookie"}},
		{"Vary on this one too", nil, []string{"Accept, cookie"}, increment, []string{"no-store"}, []string{"Accept, cookie"}},
		{"Vary on this one, in a second line", nil, []string{"Accept", "Cookie"}, nil, nil, []string{"Accept", "Cookie"}},
		{"Vary on everything", nil, []string{"*"}, increment, []string{"no-store"}, []string{"*"}},
		{"Vary on what only looks alike", nil, []string{"Cookies"}, nil, nil, []string{"Cookies", "Cookie"}},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		i := 0
		s := serve(newManager(t, newSpyStore()).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			test := tests[i]
			from(r)
			if test.cacheControl != nil {
				w.Header()["Cache-Control"] = test.cacheControl
			}
			if test.vary != nil {
				w.Header()["Vary"] = test.vary
			}
			if test.act != nil {
				test.act(w, r)
			}
		})))
		s.client.Jar = nil
		for i = range tests {
			got := s.get("/")
			if diff := cmp.Diff(tests[i].wantControl, got.Header["Cache-Control"]); diff != "" {
				t.Errorf("%s: Cache-Control (-want +got):\n%s", tests[i].name, diff)
			}
			if diff := cmp.Diff(tests[i].wantVarying, got.Header["Vary"]); diff != "" {
				t.Errorf("%s: Vary (-want +got):\n%s", tests[i].name, diff)
			}
		}
	})
}
