package browser_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// pictures is where screenshots of every page go, for people to look at. To take
// them takes as long as all the rest.
var pictures = flag.String("pictures", "", "`directory` for screenshots of the shop")

// screen is a window that pages are looked at in.
type screen struct {
	name          string
	width, height int64
}

var screens = []screen{{"phone", 390, 844}, {"desktop", 1280, 800}}

func TestPagesFitTheScreen(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory").visitor()
	tour(b, func(name string) {
		for _, sc := range screens {
			call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: sc.width, Height: sc.height, DeviceScaleFactor: 1, Mobile: sc.name == "phone",
			})
			b.looks(sc, name)
		}
	})
}

// tour goes through the shop as a visitor who tries everything, and calls look
// at each page that comes up.
func tour(b *tab, look func(name string)) {
	b.t.Helper()
	submit := func(action string, status int64) {
		b.t.Helper()
		selector := fmt.Sprintf("main form[action=%q] button", action)
		b.goes(press(selector), status, "the form of "+action)
	}
	opens := func(path, name string) {
		b.t.Helper()
		b.open(path)
		look(name)
	}
	opens("/", "home")
	opens("/cart", "cart-empty")
	opens("/session", "session-none")
	b.goes(chromedp.Navigate(b.site+"/nothing"), http.StatusNotFound, "a page that is not there")
	look("not-found")

	b.open("/")
	submit("/cart/add", http.StatusOK)
	look("home-message")
	b.buy("teapot")
	b.open("/cart")
	b.fill("#code", "WELCOME20")
	submit("/coupon", http.StatusUnprocessableEntity)
	look("cart-refused")
	b.fill("#code", "WELCOME10")
	submit("/coupon", http.StatusOK)
	b.fill("#note", "Happy birthday, Charles!\n\nMay nothing of it break down.")
	submit("/note", http.StatusOK)
	look("cart")

	b.open("/login")
	js[any](b, "document.querySelector('#name').focus()")
	look("login")
	b.fill("#name", "ada")
	b.fill("#password", "wrong")
	submit("/login", http.StatusUnprocessableEntity)
	look("login-refused")
	b.signIn(true)
	opens("/session", "session")
	opens("/checkout", "checkout")
	submit("/delivery", http.StatusOK)
	look("checkout-day")
	submit("/checkout", http.StatusOK)
	look("order")

	opens("/account", "account-alone")
	other := newBrowser(b.t, b.site)
	other.signIn(false)
	opens("/account", "account")
	opens("/account/password", "password")
	b.fill("#password", "short")
	js[bool](b, "document.querySelector('main form').noValidate = true")
	submit("/account/password", http.StatusUnprocessableEntity)
	look("password-refused")
	opens("/confirm?next=/account/password", "confirm")
	b.open("/clock")
	b.waits("Live")
	look("clock")
	other.open("/account")
	other.click("form[action='/account/others'] button")
	b.waits("Your session has ended")
	look("clock-ended")
}

// looks measures what can be seen of the page, by day and by night, and takes its
// picture if there are to be any.
func (b *tab) looks(sc screen, name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // no colour half-way to another
			},
		})
		for _, fault := range js[[]string](b, fmt.Sprintf("(%s)(%d)", faults, sc.width)) {
			b.t.Errorf("%s, %s: %s", name, scheme, fault)
		}
		if *pictures != "" {
			b.picture(sc, fmt.Sprintf("%s-%s-%s.png", name, sc.name, scheme))
		}
	}
}

// picture takes a picture of all of the page.
func (b *tab) picture(sc screen, name string) {
	b.t.Helper()
	// A message lies over what has scrolled below it, and a picture of all the
	// page has no place for that.
	js[any](b, "scrollTo(0, 0)")
	height, beyond := max(sc.height, js[int64](b, "document.documentElement.scrollHeight")), true
	shot := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip:                  &page.Viewport{Width: float64(sc.width), Height: float64(height), Scale: 1},
		CaptureBeyondViewport: &beyond,
	})
	if err := os.MkdirAll(*pictures, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name), shot.Data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
