package browser_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// doubleClicks is how many double clicks of each kind are tried. There are 18
// kinds: 3 stores, 2 forms and 3 times between the clicks.
var doubleClicks = flag.Int("doubleclicks", 1, "`number` of double clicks of each kind")

// TestDoubleClick sends the forms that renew the secret twice. The browser drops
// the first answer, and with it the cookie, but the shop has served it.
func TestDoubleClick(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		s.warns = true // of the submission that the browser has dropped
		b := s.visitor()
		for _, apart := range []time.Duration{60, 120, 250} {
			apart *= time.Millisecond
			for range *doubleClicks {
				s.doubleClick(b, "Sign in", apart)
				s.doubleClick(b, "Confirm", apart)
			}
		}
	})
}

// doubleClick fails the test unless a visitor who double-clicks on the button is
// signed in, has the whole cart, and can go on shopping.
func (s *shop) doubleClick(b *tab, button string, apart time.Duration) {
	s.t.Helper()
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.buy("mug")
	path := "/login"
	if button == "Confirm" {
		path = "/confirm"
		b.signIn(false)
	}
	b.open(path)
	if path == "/login" {
		b.fill("#name", "ada")
	}
	b.fill("#password", "analytical")
	// The first answer may replace the page before the second click, which is
	// no double click then, as for an impatient visitor.
	do(b, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const button = document.querySelector("main form button");
		button.click();
		setTimeout(() => button.click(), %d);
	}`, apart.Milliseconds())))
	b.leaves(path)

	kind := fmt.Sprintf("%q clicked twice, %v apart, on %s", button, apart, s.store)
	if !b.signedIn() {
		s.t.Errorf("%s: not signed in", kind)
		return
	}
	b.open("/")
	if status, err := b.leads(press("#vase button")); err != nil || status != http.StatusOK {
		s.t.Errorf("%s: buying more was answered %d, %v", kind, status, err)
		return
	}
	b.open("/cart")
	b.wants("Morning mug", "Bud vase", "Sign out")
}

// leaves waits until the tab has left a page for another one, which has loaded.
func (b *tab) leaves(path string) {
	b.t.Helper()
	const where = `document.readyState === "complete" ? location.pathname : ""`
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		// Between two pages there is none to evaluate it in, and an error.
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string](where))
		cancel()
		if err == nil && at != "" && at != path {
			return
		}
		if time.Since(begun) > patience {
			b.t.Fatalf("the tab is still at %q, %v", at, err)
		}
	}
}
