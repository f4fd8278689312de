package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func TestLoginRenewsTheCookie(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		victim := s.visitor()
		victim.buy("mug")
		before := victim.cookie()
		id := victim.sessionID()

		// Somebody has had a copy of the cookie since before the login, or has
		// planted it (session fixation).
		thief := s.visitor()
		thief.takes(before)
		thief.open("/cart")
		thief.wants("Morning mug")

		victim.signIn(false)
		if after := victim.cookie(); after.Value == before.Value {
			t.Error("the cookie is the same after the login")
		}
		victim.open("/cart")
		victim.wants("Morning mug", "Sign out")
		if got := victim.sessionID(); got != id {
			t.Errorf("the session is %s after the login, and was %s", got, id)
		}

		thief.open("/cart")
		if s.held() {
			thief.wants("There is nothing in it yet", "Sign in")
		} else {
			// As the documentation of store/cookie has it: an earlier value
			// stays good. It holds what it held, which is nobody's login.
			thief.wants("Morning mug", "Sign in")
		}
		if thief.signedIn() {
			t.Error("a cookie from before the login is signed in")
		}
		victim.reload()
		victim.wants("Sign out") // whatever the thief does
	})
}

// sessionID returns the ID that the shop shows to its visitor.
func (b *tab) sessionID() string {
	b.t.Helper()
	b.open("/session")
	return do(b, chromedp.Text(chromedp.CSS(".facts code")))
}

func TestLogoutEndsEveryCopyOfTheCookie(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		victim, thief := s.visitor(), s.visitor()
		victim.signIn(false)
		thief.takes(victim.cookie())
		if !thief.signedIn() {
			t.Fatal("a copy of the cookie does not work, so nothing is tested")
		}
		victim.click("form[action='/logout'] button")
		victim.wants("You have signed out.", "Sign in")
		if victim.signedIn() || thief.signedIn() {
			t.Error("somebody is still signed in")
		}
	})
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
		b.signIn(false)
		check(false)
	})
}
