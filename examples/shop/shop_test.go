package main

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

func TestVisitorWhoOnlyLooksGetsNoCookie(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		for _, path := range []string{"/", "/cart", "/login", "/session", "/static/style.css"} {
			if a := b.get(path); a.Header.Get("Set-Cookie") != "" {
				t.Errorf("GET %s set a cookie", path)
			}
		}
	})
}

func TestFlashIsShownOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		b.get("/").wants(t, "Morning mug is in your cart.")
		b.get("/").lacks(t, "Morning mug is in your cart.")
	})
}

func TestCrossOriginPostIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			req := b.request("POST", "/cart/add", url.Values{"product": {"mug"}, "quantity": {"1"}})
			req.Header.Set(name, value)
			a := b.do(req)
			if a.StatusCode != http.StatusForbidden {
				t.Errorf("a form with %s: %s was answered with %s, want 403", name, value, a.Status)
			}
			a.wants(t, "This came from another site", "Kiln")
		}
		b.get("/cart").wants(t, "There is nothing in it yet")
	})
}

// shownID finds the ID on the page about the session.
var shownID = regexp.MustCompile(`<code>([0-9a-f]{32})</code>`)

func TestSessionPageShowsNoCredential(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.get("/session").wants(t, "You have no session yet")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		a := b.get("/session")
		if !shownID.MatchString(a.text) {
			t.Error("GET /session does not show the session's ID")
		}
		cookie := b.cookie()
		a.lacks(t, cookie.Value, cookie.Name)
	})
}

func TestUnknownPagesAreNotFound(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		for _, path := range []string{"/nothing", "/cart/", "/static/", "/static/no.css"} {
			if a := b.do(b.request("GET", path, nil)); a.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s answered %s, want 404", path, a.Status)
			}
		}
		b.do(b.request("GET", "/nothing", nil)).wants(t, "There is no such page", "Kiln")
		if a := b.do(b.request("DELETE", "/cart", nil)); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("DELETE /cart answered %s, want 405", a.Status)
		}
	})
}

func TestEveryAnswerHasSecurityHeaders(t *testing.T) {
	b := openShop(t, "memory")
	for _, path := range []string{"/", "/nothing", "/static/mug.svg", "/checkout"} {
		h := b.do(b.request("GET", path, nil)).Header
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") ||
			!strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
			t.Errorf("GET %s: Content-Security-Policy is %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("GET %s lacks a security header: %v", path, h)
		}
	}
}

func TestPagesNeedNoScriptAndNoInlineStyle(t *testing.T) {
	b := openShop(t, "memory")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	b.signIn("/")
	for _, path := range []string{"/", "/cart", "/login", "/session", "/account", "/account/password", "/confirm"} {
		a := b.get(path)
		a.lacks(t, "<script", "<style", "style=", "javascript:")
		if on := regexp.MustCompile(` on[a-z]+=`).FindString(a.text); on != "" {
			t.Errorf("GET %s has an inline handler:%s", path, on)
		}
	}
}

// down is a store that does not answer.
type down struct{ *memory.Store }

func (down) Load(context.Context, store.ID) (store.Record, error) {
	return store.Record{}, errRefused
}

func (down) Create(context.Context, store.Record) error { return errRefused }

func TestStoreThatIsDownGivesAPageThatSaysSo(t *testing.T) {
	b := openShopOn(t, down{memory.New()}, "memory")
	b.get("/") // needs no session, so it is there
	a := b.post("/cart/add", "product", "mug", "quantity", "1")
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a cart that cannot be saved was answered with %s, want 503", a.Status)
	}
	a.wants(t, "Back in a moment", "Kiln")
	a.lacks(t, "10.0.0.7", "is in your cart")
	if a.Header.Get("Location") != "" || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("the error page has headers of the answer that it replaces: %v", a.Header)
	}
	if a.Header.Get("Content-Security-Policy") == "" {
		t.Error("the error page has lost its Content-Security-Policy")
	}
}
