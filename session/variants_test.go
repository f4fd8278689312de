package session_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// jarBrowser keeps cookies by their Domain and Path, as net/http's client does.
type jarBrowser struct {
	t   *testing.T
	jar *cookiejar.Jar
	url *url.URL
}

func newJarBrowser(t *testing.T, address string) *jarBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &jarBrowser{t, jar, u}
}

func (b *jarBrowser) use(m *session.Manager[state], do func(*session.Session[state])) {
	b.t.Helper()
	time.Sleep(time.Millisecond) // so that a later cookie is a newer one
	r := httptest.NewRequest(http.MethodGet, b.url.String(), nil)
	for _, c := range b.jar.Cookies(b.url) {
		r.AddCookie(c)
	}
	response := serveOne(m, r, do)
	b.jar.SetCookies(b.url, response.Cookies())
}

func (b *jarBrowser) user(m *session.Manager[state]) (user string) {
	b.use(m, func(s *session.Session[state]) { user = s.State().User })
	return user
}

// TestChangedDomainOrPath: a new deployment gives the cookie another Domain or Path,
// and browsers hold both. A login counts, changes are kept, and a logout logs out.
func TestChangedDomainOrPath(t *testing.T) {
	stores := map[string]func(*session.Config[state]) store.Store{
		"memory": func(*session.Config[state]) store.Store { return memory.New() },
		"cookie": func(*session.Config[state]) store.Store { return cookie.New() },
		"cookie with a Revoker": func(c *session.Config[state]) store.Store {
			c.Revoker = new(memory.Revoker)
			return cookie.New()
		},
	}
	for _, test := range []struct {
		name        string
		first, then session.Cookie
	}{
		{"host-only to a Domain", session.Cookie{Name: "sid"}, session.Cookie{Name: "sid", Domain: "example.test"}},
		{"a Domain to host-only", session.Cookie{Name: "sid", Domain: "example.test"}, session.Cookie{Name: "sid"}},
		{"a wider Domain", session.Cookie{Domain: "shop.example.test"}, session.Cookie{Domain: "example.test"}},
		{"a wider Path", session.Cookie{Path: "/app/"}, session.Cookie{Name: "__Secure-session"}},
		{"a narrower Path", session.Cookie{Name: "__Secure-session"}, session.Cookie{Path: "/app/"}},
	} {
		for name, open := range stores {
			t.Run(test.name+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := session.Config[state]{
						Keys: []session.Key{session.NewKey()}, Subject: func(s *state) string { return s.User }, Logger: quiet,
					}
					st := open(&cfg)
					deployed := func(c session.Cookie) *session.Manager[state] {
						cfg := cfg
						cfg.Cookie = c
						m, err := session.NewManager(st, cfg)
						if err != nil {
							t.Fatal(err)
						}
						return m
					}
					old, m := deployed(test.first), deployed(test.then)
					b := newJarBrowser(t, "https://shop.example.test/app/page")
					b.use(old, func(s *session.Session[state]) { s.Update(setUser("ann")) })
					if user := b.user(m); user != "ann" {
						t.Errorf("after the deployment: %q", user)
					}
					b.use(m, func(s *session.Session[state]) { s.Update(count) })
					b.use(m, func(s *session.Session[state]) { s.Update(count) })
					b.use(m, func(s *session.Session[state]) {
						if got := s.State().Count; got != 2 {
							t.Errorf("count %d, want 2", got)
						}
					})
					b.use(m, func(s *session.Session[state]) { s.Update(setUser("bob")) })
					if user := b.user(m); user != "bob" {
						t.Errorf("after a login as bob: %q", user)
					}
					b.use(m, (*session.Session[state]).Destroy)
					if user := b.user(m); user != "" {
						t.Errorf("after a logout: %q", user)
					}
				})
			})
		}
	}
}

// TestFormerNames: after a rename the requests of one page come at once, with the
// cookie of the former name. There is one session, no update is lost, and the cookie
// of the former name does not come back.
func TestFormerNames(t *testing.T) {
	key := session.NewKey()
	named := func(name string, former ...string) func(*session.Config[state]) {
		return func(c *session.Config[state]) {
			c.Keys, c.Cookie.Name, c.Cookie.FormerNames = []session.Key{key}, name, former
		}
	}
	st := memory.New()
	old := newManager(t, st, named("sid"))
	m := newManager(t, st, named("__Host-sid", "sid"))
	b := newBrowser(t, nil)
	b.do(old, login)
	var wg sync.WaitGroup
	responses := make([]*http.Response, 4)
	for i := range responses {
		tab := b.clone()
		wg.Go(func() { responses[i] = tab.do(m, increment) })
	}
	wg.Wait()
	for _, response := range responses {
		if c := response.Cookies(); len(c) != 1 || c[0].Name != "__Host-sid" || c[0].MaxAge < 0 {
			t.Errorf("cookies %v, want one of the new name", c)
		}
		b.keep(response)
	}
	if diff := cmp.Diff(state{User: "alice", Count: 4}, b.read(m)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if infos := list(t, m, "alice"); len(infos) != 1 {
		t.Errorf("alice has %d sessions, want 1", len(infos))
	}
	if response := b.do(m, increment); cookieChange(response) != "" {
		t.Errorf("the new cookie is set again: %q", response.Header["Set-Cookie"])
	}
	response := b.do(m, destroy)
	if lines := strings.Join(response.Header["Set-Cookie"], "\n"); !strings.Contains(lines, "\nsid=") || len(b.cookies) != 0 {
		t.Errorf("a logout leaves %v:\n%s", b.cookies, lines)
	}
	if user := b.read(m).User; user != "" {
		t.Errorf("%q is still signed in", user)
	}
}

// TestFormerNameBesideALogin: a token that is only read is sealed for the new name.
// If a login has renewed the secret since, it is not: it would overwrite the
// login's cookie.
func TestFormerNameBesideALogin(t *testing.T) {
	key, newest := session.NewKey(), session.NewKey()
	for name, later := range map[string]func(*session.Config[state]){
		"another name": func(c *session.Config[state]) {
			c.Keys, c.Cookie.Name, c.Cookie.FormerNames = []session.Key{key}, "__Host-sid", []string{"__Host-session"}
		},
		"another key": func(c *session.Config[state]) { c.Keys = []session.Key{newest, key} },
	} {
		t.Run(name, func(t *testing.T) {
			st := memory.New()
			old := newManager(t, st, func(c *session.Config[state]) { c.Keys = []session.Key{key} })
			m := newManager(t, st, later)
			b := newBrowser(t, nil)
			b.do(old, increment)
			reader, alone := b.clone(), b.clone()
			if response := alone.do(m, func(_ http.ResponseWriter, r *http.Request) { _ = from(r).State() }); len(response.Cookies()) != 1 {
				t.Errorf("a read alone sets %v, want the token sealed again", response.Cookies())
			}
			response := reader.do(m, func(_ http.ResponseWriter, r *http.Request) {
				_ = from(r).State()
				b.do(m, login)
			})
			if len(response.Cookies()) != 0 {
				t.Errorf("the read sets %v", response.Cookies())
			}
			b.keep(response)
			if user := b.read(m).User; user != "alice" {
				t.Errorf("the user is %q", user)
			}
		})
	}
}

// TestReadUndoesNoLogoutOfAClientHeldSession: a page that is only read, and is due
// for an extension, writes back nothing that another tab has ended.
func TestReadUndoesNoLogoutOfAClientHeldSession(t *testing.T) {
	for name, revoker := range map[string]store.Revoker{"without a Revoker": nil, "with one": new(memory.Revoker)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Revoker = revoker })
				b := newBrowser(t, nil)
				b.do(m, login)
				reader := b.clone()
				time.Sleep(idle / 2)
				response := reader.do(m, func(_ http.ResponseWriter, r *http.Request) {
					_ = from(r).State()
					b.do(m, destroy)
				})
				b.keep(response)
				if len(response.Cookies()) != 0 || b.read(m).User != "" {
					t.Errorf("the read sets %v, and the user is %q", response.Cookies(), b.read(m).User)
				}
			})
		})
	}
}
