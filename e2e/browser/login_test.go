package browser_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

func TestLoginRenewsTheCookieAndLogoutEndsIt(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		b := s.visitor()
		b.buy("mug")
		before := b.cookie()
		id := b.sessionID()
		// Somebody has a copy of the cookie, or has planted it (session fixation).
		if page := s.replay(before, "/cart"); !strings.Contains(page, "Morning mug") {
			t.Fatal("a copy of the cookie does not work, so nothing is tested")
		}

		b.signIn(false)
		during := b.cookie()
		if during.Value == before.Value {
			t.Error("the cookie is the same after the login")
		}
		if got := b.sessionID(); got != id {
			t.Errorf("the session is %s after the login, and was %s", got, id)
		}
		b.open("/cart")
		b.wants("Morning mug", "Sign out")
		page := s.replay(before, "/cart")
		if strings.Contains(page, "Sign out") {
			t.Error("a cookie from before the login is signed in")
		}
		// As the documentation of store/cookie has it, an earlier value stays
		// good there. It holds what it held, which is nobody's login.
		if got := strings.Contains(page, "Morning mug"); got == s.held() {
			t.Errorf("a cookie from before the login shows the cart: %t", got)
		}
		b.reload()
		b.wants("Morning mug", "Sign out") // whatever was sent meanwhile

		if page := s.replay(during, "/account"); !strings.Contains(page, "Ada") {
			t.Fatal("a copy of the cookie does not work, so nothing is tested")
		}
		b.click("form[action='/logout'] button")
		b.wants("You have signed out.", "Sign in")
		if b.signedIn() || strings.Contains(s.replay(during, "/account"), "Ada") {
			t.Error("somebody is still signed in")
		}
	})
}

// replay asks for a page with a copy of a cookie, and nothing else.
func (s *shop) replay(c *network.Cookie, path string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Cookie", c.Name+"="+c.Value)
	res, err := http.DefaultTransport.RoundTrip(req) // which follows to no other page
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(page)
}

// sessionID returns the ID that the shop shows to its visitor.
func (b *tab) sessionID() string {
	b.t.Helper()
	b.open("/session")
	return js[string](b, "document.querySelector('.facts code').innerText")
}

func TestCookieAttributes(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		b := s.visitor()
		check := func(persistent bool) {
			t.Helper()
			c := b.cookie()
			if c.Name != "__Host-session" || !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax ||
				c.Path != "/" || c.Domain != "localhost" { // with a dot it would be for subdomains too
				t.Errorf("Chromium holds %+v", *c)
			}
			if c.Session == persistent || (c.Expires == -1) == persistent {
				t.Errorf("Chromium forgets it when it is closed: %t; it expires at %f", c.Session, c.Expires)
			}
			if seen := js[string](b, "document.cookie"); seen != "" {
				t.Error("a script can read it")
			}
		}
		b.buy("mug")
		check(false)
		b.signIn(true)
		check(true)
		day := js[float64](b, "Date.now() / 1000 + 24 * 3600")
		if left := b.cookie().Expires; left > day || left < day-60*60 {
			t.Errorf("it expires at %f, want a little before %f, when the session does", left, day)
		}
	})
}
