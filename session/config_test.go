package session_test

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

func TestNewManagerNamesTheFieldThatIsWrong(t *testing.T) {
	key := session.NewKey()
	same, err := session.ParseKey(key.Encode())
	if err != nil {
		t.Fatal(err)
	}
	cookie := func(c session.Cookie) func(*session.Config[state]) {
		return func(cfg *session.Config[state]) { cfg.Cookie = c }
	}
	tests := []struct {
		name   string
		change func(*session.Config[state])
		want   string
	}{
		{"no keys", func(c *session.Config[state]) { c.Keys = nil }, "Config.Keys is empty"},
		{"a zero key", func(c *session.Config[state]) { c.Keys = []session.Key{key, {}} }, "Config.Keys[1] is the zero Key"},
		{"a key twice", func(c *session.Config[state]) { c.Keys = []session.Key{key, session.NewKey(), same} }, "Config.Keys: seal: key 2 repeats key 0"},
		{"no subject, which is required even without logins", func(c *session.Config[state]) { c.Subject = nil }, "Config.Subject is nil"},
		{"idle below zero", func(c *session.Config[state]) { c.IdleTimeout = -time.Second }, "Config.IdleTimeout is negative"},
		{"idle below the clock's grain", func(c *session.Config[state]) { c.IdleTimeout = time.Microsecond }, "Config.IdleTimeout is shorter than a millisecond"},
		{"absolute below zero", func(c *session.Config[state]) { c.AbsoluteTimeout = -1 }, "Config.AbsoluteTimeout is negative"},
		{"idle longer than absolute", func(c *session.Config[state]) { c.IdleTimeout, c.AbsoluteTimeout = time.Hour, time.Minute }, "Config.AbsoluteTimeout 1m0s is shorter than IdleTimeout 1h0m0s"},
		{"no such policy", func(c *session.Config[state]) { c.Extend = 7 }, "Config.Extend"},
		{"a name with a space", cookie(session.Cookie{Name: "my session"}), "Config.Cookie.Name"},
		{"a name with a line break", cookie(session.Cookie{Name: "a\r\nSet-Cookie: b"}), "Config.Cookie.Name"},
		{"a name that is no token", cookie(session.Cookie{Name: "sessïon"}), "Config.Cookie.Name"},
		{"a name without end", cookie(session.Cookie{Name: strings.Repeat("x", 5000)}), "Config.Cookie.Name"},
		{"__Host- with a domain", cookie(session.Cookie{Name: "__Host-a", Domain: "example.com"}), "Config.Cookie.Domain"},
		{"__Host- with a path", cookie(session.Cookie{Name: "__Host-a", Path: "/app"}), "Config.Cookie.Path"},
		{"__Host- in other letters, which browsers heed too", cookie(session.Cookie{Name: "__hOST-a", Path: "/app"}), "Config.Cookie.Path"},
		{"__Host- without Secure", cookie(session.Cookie{Name: "__Host-a", InsecureHTTP: true}), "Config.Cookie.InsecureHTTP"},
		{"__Secure- without Secure", cookie(session.Cookie{Name: "__Secure-a", InsecureHTTP: true}), "Config.Cookie.InsecureHTTP"},
		{"SameSite=None without Secure", cookie(session.Cookie{SameSite: http.SameSiteNoneMode, InsecureHTTP: true}), "Config.Cookie.SameSite"},
		{"SameSite left to the browser", cookie(session.Cookie{SameSite: http.SameSiteDefaultMode}), "Config.Cookie.SameSite"},
		{"no such SameSite", cookie(session.Cookie{SameSite: 9}), "Config.Cookie.SameSite"},
		{"__Http- without Secure", cookie(session.Cookie{Name: "__Http-session", InsecureHTTP: true}), "Config.Cookie.InsecureHTTP"},
		{"Partitioned without Secure", cookie(session.Cookie{Partitioned: true, InsecureHTTP: true}), "Config.Cookie.Partitioned"},
		{"a path that ends the attribute", cookie(session.Cookie{Path: "/a;b"}), "Config.Cookie.Path"},
		{"a path without a slash", cookie(session.Cookie{Path: "app"}), "Config.Cookie.Path"},
		{"a domain with a port", cookie(session.Cookie{Domain: "example.com:80"}), "Config.Cookie.Domain"},
		{"chunks below zero", cookie(session.Cookie{MaxChunks: -1}), "Config.Cookie.MaxChunks"},
		{"too many chunks", cookie(session.Cookie{MaxChunks: 9}), "Config.Cookie.MaxChunks"},
		{"a header without a name", func(c *session.Config[state]) { c.Transport = session.Header("") }, "Config.Transport"},
		{"a header with a very long name", func(c *session.Config[state]) { c.Transport = session.Header(strings.Repeat("x", 257)) }, "Config.Transport"},
		{"a header that caches read", func(c *session.Config[state]) { c.Transport = session.Header("cache-control") }, "Config.Transport"},
		{"a header with a bad name", func(c *session.Config[state]) { c.Transport = session.Header("my header") }, "Config.Transport"},
		{"the cookie as a header", func(c *session.Config[state]) { c.Transport = session.Header("cookie") }, "Config.Transport"},
		{"Authorization without a scheme", func(c *session.Config[state]) { c.Transport = session.Header("authorization") }, "Config.Transport"},
		{"a codec that fails", func(c *session.Config[state]) { c.Codec = brokenCodec{} }, "Config.Codec"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := session.Config[state]{Keys: []session.Key{key}, Subject: session.Anonymous[state]}
			test.change(&cfg)
			m, err := session.NewManager(memory.New(), cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) || m != nil {
				t.Errorf("NewManager returned %v, %v; want an error with %q", m, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), key.Encode()) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

// brokenCodec fails at everything.
type brokenCodec struct{}

func (brokenCodec) Append([]byte, *state) ([]byte, error) { return nil, errors.New("broken") }
func (brokenCodec) Decode([]byte, *state) error           { return errors.New("broken") }

func TestNewManagerRefusesANilStore(t *testing.T) {
	cfg := session.Config[state]{Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[state]}
	for _, st := range []store.Store{nil, (*memory.Store)(nil)} {
		if _, err := session.NewManager(st, cfg); err == nil || !strings.Contains(err.Error(), "store is nil") {
			t.Errorf("NewManager(%#v) returned %v", st, err)
		}
	}
}

func TestDefaultsOfTheCookie(t *testing.T) {
	const tail = "; Path=/; HttpOnly; Secure; SameSite=Lax"
	tests := []struct {
		name   string
		cookie session.Cookie
		prefix string
		suffix string
	}{
		{"the zero Cookie", session.Cookie{}, "__Host-session=", tail},
		{"a domain rules __Host- out", session.Cookie{Domain: "example.com"}, "__Secure-session=", "; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"},
		{"so does a path", session.Cookie{Path: "/app"}, "__Secure-session=", "; Path=/app; HttpOnly; Secure; SameSite=Lax"},
		{"plain HTTP", session.Cookie{InsecureHTTP: true}, "session=", "; Path=/; HttpOnly; SameSite=Lax"},
		{"strict", session.Cookie{SameSite: http.SameSiteStrictMode}, "__Host-session=", "; Path=/; HttpOnly; Secure; SameSite=Strict"},
		{"embedded by other sites", session.Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true}, "__Host-session=", "; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"persistent", session.Cookie{Persistent: true}, "__Host-session=", tail + "; Max-Age=3600"},
		{"a name of one's own", session.Cookie{Name: "sid"}, "sid=", tail},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, memory.New(), func(c *session.Config[state]) { c.Cookie = test.cookie })
			lines := newBrowser(t, nil).do(m, increment).Header["Set-Cookie"]
			if len(lines) != 1 || !strings.HasPrefix(lines[0], test.prefix) || !strings.HasSuffix(lines[0], test.suffix) {
				t.Fatalf("Set-Cookie: %q; want %q … %q", lines, test.prefix, test.suffix)
			}
		})
	}
}

func TestPersistentCookieIsCappedAt400Days(t *testing.T) {
	for _, idle := range []time.Duration{1000 * 24 * time.Hour, math.MaxInt64} {
		m := newManager(t, memory.New(), func(c *session.Config[state]) {
			c.Cookie.Persistent = true
			c.IdleTimeout = idle
		})
		lines := newBrowser(t, nil).do(m, increment).Header["Set-Cookie"]
		if len(lines) != 1 || !strings.HasSuffix(lines[0], "; Max-Age=34560000") {
			t.Errorf("Set-Cookie with an idle timeout of %v: %q; want Max-Age=34560000", idle, lines)
		}
	}
}

func TestSetCookieLinesMatchNetHTTP(t *testing.T) {
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	set := b.do(m, increment).Header.Get("Set-Cookie")
	parsed, err := http.ParseSetCookie(set)
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed.String(); got != set {
		t.Errorf("Set-Cookie %q, which net/http would write %q", set, got)
	}
	expire := b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }).Header.Get("Set-Cookie")
	parsed.Value, parsed.MaxAge = "", 0
	if want := parsed.String() + "; Max-Age=0"; expire != want {
		t.Errorf("expired by %q; want %q", expire, want)
	}
}
