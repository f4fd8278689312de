package attacks_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// setCookieLine is all that a default Set-Cookie can be.
var setCookieLine = regexp.MustCompile(
	`^__Host-session=([A-Za-z0-9_-]{103}; Path=/; HttpOnly; Secure; SameSite=Lax|; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0)$`)

// TestNothingIsReflected sends what would split a response or add an attribute
// if any of it came back in a header.
func TestNothingIsReflected(t *testing.T) {
	s := newSite(t, memory.New())
	token := s.login(t, "alice").token()
	for _, value := range []string{
		"x; Domain=evil.example", "x; Max-Age=0", "\"x; Path=/\"", "x, y=z", "x\\r\\nSet-Cookie: a=b", "x%0d%0aSet-Cookie:%20a=b",
		"x\u560a\u560dSet-Cookie: a=b", "x\xe5\x98\x8a\xe5\x98\x8dSet-Cookie", "<script>", "x\tSet-Cookie: a=b", token + "; a=b",
		"x\u2028Set-Cookie: a=b", "x\x85Set-Cookie: a=b", "x\xff\xfe",
	} {
		for _, path := range []string{"/read", "/count", "/renew", "/logout", "/login?user=" + url.QueryEscape("a\r\nSet-Cookie: b=c\r\n\r\n"+value)} {
			answer := s.raw(t, path, "Cookie: "+cookieName+"="+value)
			if answer.status != http.StatusOK {
				t.Errorf("%s with %q: status %d", path, value, answer.status)
			}
			for name, lines := range answer.header {
				known := []string{"Set-Cookie", "Cache-Control", "Vary", "Content-Type", "Content-Length", "Date", "Connection"}
				if !slices.Contains(known, name) {
					t.Errorf("%s with %q: header %s: %q", path, value, name, lines)
				}
			}
			for _, line := range answer.header["Set-Cookie"] {
				if !setCookieLine.MatchString(line) {
					t.Errorf("%s with %q: Set-Cookie %q", path, value, line)
				}
			}
		}
	}
	// What is no header at all is the server's to refuse.
	for _, broken := range []string{"x\rSet-Cookie: a=b", "x\x00", "x\x7f", "x\x0b", "x\x1b[2J"} {
		if got := s.raw(t, "/count", "Cookie: "+cookieName+"="+broken); got.header.Get("Set-Cookie") != "" && got.status != http.StatusOK {
			t.Errorf("%q: status %d, Set-Cookie %q", broken, got.status, got.header.Get("Set-Cookie"))
		}
	}
}

// TestConfigurationIsNoHole: a name, path or domain that comes from a tenant's
// settings, say, cannot add attributes or headers.
func TestConfigurationIsNoHole(t *testing.T) {
	for name, option := range map[string]func(*config, string){
		"Cookie.Name":   func(c *config, text string) { c.Cookie.Name = "a" + text },
		"Cookie.Path":   func(c *config, text string) { c.Cookie.Path = "/" + text },
		"Cookie.Domain": func(c *config, text string) { c.Cookie.Domain = "example.com" + text },
		"Transport":     func(c *config, text string) { c.Transport = session.Header("X-Session" + text) },
	} {
		for _, text := range []string{"; Secure", ";", "\r\nX: y", "\n", "\x00", "\r", "\u0085"} {
			cfg := config{Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[state]}
			option(&cfg, text)
			_, err := session.NewManager(memory.New(), cfg)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s with %q: error %v, want one that names it", name, text, err)
			}
		}
	}
}

// TestSubjectsAreNoCommands logs in under names that would be something to a
// protocol, a script or a pattern.
func TestSubjectsAreNoCommands(t *testing.T) {
	s, o := hacked(t)
	tried := strings.Split(o.server.MustDo("KEYS", "*"), "\n") // by Open, which tries the server out
	bystander := s.login(t, "bystander")
	names := []string{
		"x\r\nFLUSHALL\r\n", "*1\r\n$8\r\nFLUSHALL\r\n", "*", "bystander*", "?", "[a-z]", "{x}", "'] ..", "\x00", "a\x00b",
		"subject:bystander", "../bystander", "bystander ", " bystander", "BYSTANDER", "\xff\xfe", strings.Repeat("a", 2000),
		sessionID(t, s, bystander).String(), "session:" + sessionID(t, s, bystander).String(),
	}
	for _, name := range names {
		b := s.login(t, "login")
		answer := b.get(t, "/login?user="+url.QueryEscape(name))
		if answer.status != http.StatusOK {
			t.Errorf("%.20q: status %d", name, answer.status)
		}
		if n, err := s.manager.RevokeSubject(t.Context(), name); n != 1 || err != nil {
			t.Errorf("%.20q: %d revoked, %v, want its own one", name, n, err)
		}
		if got := bystander.get(t, "/read").state(t); got.User != "bystander" {
			t.Fatalf("%.20q: the bystander is gone", name)
		}
	}
	// What is left is the bystander's session, the tombstones of the others, and an
	// index for each subject, which also holds the subject's revocation.
	if got := o.get(o.key(t, bystander)); !strings.Contains(got, "bystander") {
		t.Errorf("the bystander's record is %q", got)
	}
	for _, name := range append(names, "bystander", "login") {
		o.server.MustDo("DEL", "session:subject:"+name)
	}
	for key := range strings.SplitSeq(o.server.MustDo("KEYS", "*"), "\n") {
		if !regexp.MustCompile(`^session:[0-9a-f]{32}$`).MatchString(key) && !slices.Contains(tried, key) {
			t.Errorf("a key %.60q was left or made", key)
		}
	}
}

// TestSubjectsInCookies: a client-held record has the subject in front of the
// payload. No name makes one be read as the other.
func TestSubjectsInCookies(t *testing.T) {
	s := newSite(t, cookie.New())
	for _, name := range []string{"\x00", "\x7f", strings.Repeat("a", 127), strings.Repeat("a", 128), "\x01\x00\x00", strings.Repeat("\x01", 300)} {
		b := s.browser()
		b.get(t, "/login?user="+url.QueryEscape(name))
		if got := b.get(t, "/read").state(t).User; got != name {
			t.Errorf("%.20q: read as %.20q", name, got)
		}
	}
}
