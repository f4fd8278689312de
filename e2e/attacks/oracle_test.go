package attacks_test

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// looks is all that a client sees of a response, but for the clock and for what
// is random: of a new token only the length remains.
func (r reply) looks() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.status)
	header := r.header.Clone()
	header.Del("Date")
	for i, line := range header["Set-Cookie"] {
		header["Set-Cookie"][i] = randomPart.ReplaceAllStringFunc(line, func(value string) string {
			return fmt.Sprintf("=(%d characters);", len(value)-2)
		})
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintln(&b, name, header[name])
	}
	return b.String() + r.body
}

var randomPart = regexp.MustCompile(`=[A-Za-z0-9_-]{20,};`)

// TestFailuresLookAlike: whatever is wrong with a token, and whether or not it
// was good once, the answer is that to a stranger who brings none. An attacker
// learns neither which check failed nor whether there is such a session.
func TestFailuresLookAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := session.NewKey()
		st := memory.New()
		with := func(c *config) { c.Keys = []session.Key{key} }
		s := newSiteInBubble(t, st, with)

		tokens := map[string]string{
			"garbage":                     "garbage",
			"empty":                       "",
			"cut":                         s.login(t, "a").token()[5:],
			"of another key":              newSiteInBubble(t, st).login(t, "a").token(),
			"of another name":             newSiteInBubble(t, st, with, func(c *config) { c.Cookie.Name = "__Host-b" }).login(t, "a").cookies["__Host-b"],
			"authentic, but never issued": text(sealWith(t, key, tokenPurpose, cookieBinding, make([]byte, 32))),
			"authentic, but too short":    text(sealWith(t, key, tokenPurpose, cookieBinding, make([]byte, 31))),
			"authentic, but too long":     text(sealWith(t, key, tokenPurpose, cookieBinding, make([]byte, 33))),
		}
		for what, path := range map[string]string{"logged out": "/logout", "renewed": "/renew", "of a changed user": "/login?user=c"} {
			b := s.login(t, "a")
			tokens[what] = b.token()
			b.get(t, path)
		}
		revoked := s.login(t, "revoked")
		tokens["revoked"] = revoked.token()
		if n, err := s.manager.RevokeSubject(t.Context(), "revoked"); n != 1 || err != nil {
			t.Errorf("%d revoked, %v", n, err)
		}
		damaged := s.login(t, "damaged")
		tokens["of a damaged record"] = damaged.token()
		overwrite(t, s, st, damaged, func(rec *store.Record) { rec.Payload = []byte("damaged") })
		guessed := s.login(t, "guessed")
		id := sessionID(t, s, guessed)
		tokens["of a live session, with a guessed secret"] = text(sealWith(t, key, tokenPurpose, cookieBinding,
			append(id[:], make([]byte, 16)...)))
		tokens["expired"] = s.login(t, "expired").token()
		// For 30 s after a renewal the old token may be a parallel request's.
		time.Sleep(time.Hour)

		for _, path := range []string{"/read", "/count", "/login?user=b", "/renew"} {
			want := s.ask(t, path).looks()
			for what, token := range tokens {
				if got := s.ask(t, path, cookieName+"="+token).looks(); got != want {
					t.Errorf("%s: a token that is %s is answered with\n%s\nwant\n%s", path, what, got, want)
				}
			}
		}
		// A logout also takes the cookie away, whatever it is.
		want := s.ask(t, "/logout", cookieName+"=garbage").looks()
		if !strings.Contains(want, "Max-Age=0") {
			t.Errorf("a cookie that leads nowhere is not expired:\n%s", want)
		}
		for what, token := range tokens {
			if got := s.ask(t, "/logout", cookieName+"="+token).looks(); got != want {
				t.Errorf("/logout: a token that is %s is answered with\n%s\nwant\n%s", what, got, want)
			}
		}
	})
}

// sessionID returns the ID of the browser's session.
func sessionID(t testing.TB, s *site, b *browser) session.ID {
	t.Helper()
	opened, err := s.manager.LoadToken(t.Context(), b.token())
	if err != nil {
		t.Fatal(err)
	}
	return opened.ID()
}

// overwrite changes a record in the store as its operator can.
func overwrite(t testing.TB, s *site, st store.Store, b *browser, change func(*store.Record)) {
	t.Helper()
	rec, err := st.Load(t.Context(), sessionID(t, s, b))
	if err != nil {
		t.Fatal(err)
	}
	base := rec.Rev
	rec.Rev = store.NewRev()
	change(&rec)
	if err := st.Update(t.Context(), base, rec); err != nil {
		t.Fatal(err)
	}
}

// newSiteInBubble is newSite over connections in memory, for a synctest bubble,
// in which time stands still for as long as somebody has something to do. Client
// and server are those of net/http.
func newSiteInBubble(t testing.TB, st store.Store, options ...func(*config)) *site {
	t.Helper()
	m := newManager(t, st, options...)
	l := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: m.Wrap(pages()), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until it is closed
	transport := &http.Transport{DialContext: l.dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{manager: m, url: "http://example.com", client: &http.Client{Transport: transport}}
}
