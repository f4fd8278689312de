package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestNoteIsKeptWithTheCart(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.signIn("/")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		b.send("/note", "/cart", "note", " For <you>,\r\nat last ")
		b.get("/cart").wants(t, "We will write it on a card.", ">For &lt;you&gt;,\nat last</textarea>")
		b.get("/checkout").wants(t, "For &lt;you&gt;,\nat last")
		b.send("/checkout", "/order")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		b.get("/cart").lacks(t, "at last")
	})
}

func TestNoteIsNoLongerThanACardHolds(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	longest := strings.Repeat("🫖", maxNote)
	b.send("/note", "/cart", "note", longest)
	if a := b.post("/note", "note", longest+"x"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a longer note was answered with %s, want 400", a.Status)
	}
	b.get("/cart").wants(t, ">"+longest+"</textarea>")
}

// A form that could not be read is not an empty one.
func TestNoteThatIsNotReadChangesNothing(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	b.send("/note", "/cart", "note", "dear mum")
	a := b.post("/note", "note", strings.Repeat("x", 70_000))
	if a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("70,000 bytes were answered with %s, want 413", a.Status)
	}
	r := b.request("POST", "/note", nil)
	r.Body = io.NopCloser(strings.NewReader("note=%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := b.do(r); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a form that is none was answered with %s, want 400", a.Status)
	}
	b.get("/cart").wants(t, ">dear mum</textarea>")
}

func TestNoteThatFitsInNoCookieIsRefused(t *testing.T) {
	t.Parallel()
	b := openShop(t, "cookie")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	before := b.cookie().Value
	a := b.post("/note", "note", strings.Repeat("x", maxNote))
	if a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("it was answered with %s, want 413", a.Status)
	}
	a.wants(t, "That is too much to remember", `href="/cart"`)
	if b.cookie().Value != before {
		t.Error("it has changed the cookie")
	}
	b.get("/cart").wants(t, "Morning mug")
}
