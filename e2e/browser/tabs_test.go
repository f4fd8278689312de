package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// slowCarrier is a carrier that names no day before it is told to.
type slowCarrier struct {
	url    string
	asked  chan struct{} // sent to when the shop asks
	answer chan struct{} // to be closed
}

func newSlowCarrier(t *testing.T) *slowCarrier {
	t.Helper()
	c := &slowCarrier{asked: make(chan struct{}, 1), answer: make(chan struct{})}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked <- struct{}{}
		select {
		case <-c.answer:
			io.WriteString(w, "2026-12-24")
		case <-r.Context().Done(): // the shop asks no longer
		}
	}))
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

func TestLogoutWhileAnotherTabWaits(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"memory", "cookie", "redis"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			carrier := newSlowCarrier(t)
			s := openShop(t, store, "-carrier", carrier.url)
			s.warns = true // of a change that was dropped
			slow := s.visitor()
			slow.buy("mug")
			slow.signIn(false)
			slow.open("/checkout")
			quick := slow.another()
			quick.open("/")

			type loaded struct {
				status int64
				err    error
			}
			answered := make(chan loaded, 1)
			go func() {
				status, err := slow.leads(press("form[action='/delivery'] button"))
				answered <- loaded{status, err}
			}()
			receive(t, carrier.asked) // so the shop has loaded the session
			quick.click("form[action='/logout'] button")
			quick.wants("You have signed out.")
			after := quick.cookies()
			close(carrier.answer)
			if got := receive(t, answered); got.err != nil || got.status != http.StatusConflict {
				t.Fatalf("the slow request was answered %d, %v; want 409", got.status, got.err)
			}
			slow.wants("Your session has ended", "was not kept")
			slow.open("/cart")
			slow.wants("Sign in", "There is nothing in it yet")
			for _, b := range []*tab{slow, quick} {
				if b.signedIn() {
					t.Error("the slow request has signed in again")
				}
			}
			if now := slow.cookies(); s.held() && (len(now) != len(after) || now[0].Value != after[0].Value) {
				t.Error("the slow request has changed the cookie")
			}
		})
	}
}

func TestTwoTabsRedeemACouponAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		one := s.visitor()
		one.buy("mug")
		tabs := []*tab{one, one.another()}
		for _, b := range tabs {
			b.open("/cart")
			b.fill("#code", "WELCOME10")
		}
		statuses := make([]int64, len(tabs))
		var wg sync.WaitGroup
		for i, b := range tabs {
			wg.Go(func() {
				var err error
				statuses[i], err = b.leads(press("form[action='/coupon'] button"))
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		won := 0
		for i, b := range tabs {
			switch {
			case !s.held():
				// Where the browser holds the only copy nothing is good once,
				// so the shop declines: Transact is unsupported.
				if statuses[i] != http.StatusNotImplemented {
					t.Errorf("tab %d was answered with %d, want 501", i, statuses[i])
				}
				b.wants("a code cannot be promised to work only once")
			case statuses[i] == http.StatusOK:
				won++
				b.wants("Coupon\n−$2.40")
			case statuses[i] == http.StatusConflict:
				b.wants("You have redeemed this coupon already.")
			default:
				t.Errorf("tab %d was answered with %d", i, statuses[i])
			}
		}
		if s.held() && won != 1 {
			t.Errorf("%d tabs have redeemed it, want 1", won)
		}
		one.open("/cart")
		if text := one.text(); strings.Contains(text, "$21.60") != s.held() {
			t.Errorf("the cart is\n%s", text)
		}
	})
}

func TestDeviceIsSignedOutFromAnother(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		laptop, phone := s.visitor(), s.visitor()
		phone.signIn(false)
		phone.open("/clock")
		phone.waits("Live") // the stream is open

		laptop.signIn(false)
		laptop.open("/account")
		if s.held() {
			laptop.click("form[action='/account/device'] button")
			laptop.wants("Signed out: Chrome on Linux.", "You are signed in nowhere else.")
		} else {
			// Nobody but each browser knows of its session, so there is no list
			// to choose from.
			laptop.wants("has no list of them")
			laptop.click("form[action='/account/others'] button")
		}
		phone.waits("Your session has ended, and the clock with it.")
		if phone.signedIn() || !laptop.signedIn() {
			t.Error("not the other device alone is signed out")
		}
	})
}
