package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// openShopWith opens a shop with a carrier that answers so.
func openShopWith(t *testing.T, answer http.HandlerFunc) *browser {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	handler, err := newShop(memory.New(), "memory", session.NewKey(), carrier(srv.URL), t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	return newBrowser(t, "memory", "https://shop.example", direct{handler})
}

func TestOrderKnowsTheDayThatTheCarrierNames(t *testing.T) {
	t.Parallel()
	b := openShopWith(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "2026-12-24\n") })
	b.send("/delivery", "/login?next=/checkout")
	b.signIn("/")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	b.get("/checkout").wants(t, "When will it arrive?")
	b.send("/delivery", "/checkout")
	b.get("/checkout").wants(t, "On Thursday, 24 December, says the carrier.")
	b.send("/checkout", "/order")
	b.get("/order").wants(t, "Thursday, 24 December")

	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	b.get("/checkout").lacks(t, "24 December") // that was another parcel
}

func TestCarrierThatDoesNotAnswerLosesNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"an error":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "2026-12-24", http.StatusTeapot) },
		"no day":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "tomorrow") },
		"cut off":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no content": func(http.ResponseWriter, *http.Request) {},
	} {
		b := openShopWith(t, answer)
		b.signIn("/")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		a := b.post("/delivery")
		if a.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: the shop answered %s, want 502", name, a.Status)
		}
		a.wants(t, "The carrier does not answer", `href="/checkout"`)
		b.get("/checkout").wants(t, "When will it arrive?", "Morning mug")
	}
}

func TestLogoutWhileTheCarrierThinks(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, b *browser) {
		b.signIn("/")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		answered := make(chan answer)
		other := *b // tab of the same browser
		go func() { answered <- other.post("/delivery") }()
		synctest.Wait()
		b.send("/logout", "/")
		after := b.cookie().Value
		a := <-answered
		if a.StatusCode != http.StatusConflict || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("the request that was running was answered %s, with cookies %v; want 409 and none",
				a.Status, a.Header["Set-Cookie"])
		}
		a.wants(t, "Your session has ended", "was not kept")
		if b.cookie().Value != after || b.isSignedIn() {
			t.Error("the request that was running has signed in again")
		}
	})
}
