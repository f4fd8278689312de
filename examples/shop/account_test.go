package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

const (
	firefoxOnLinux = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	chromeOnPhone  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)

// twoDevices signs ada in with two browsers.
func twoDevices(b *browser) (laptop, phone *browser) {
	b.t.Helper()
	laptop, phone = b.another(), b.another()
	laptop.agent, phone.agent = firefoxOnLinux, chromeOnPhone
	laptop.signIn("/")
	phone.signIn("/")
	return laptop, phone
}

func (b *browser) isSignedIn() bool {
	b.t.Helper()
	return b.do(b.request("GET", "/account", nil)).StatusCode == http.StatusOK
}

func TestAccountListsTheDevices(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	laptop, phone := twoDevices(b)
	grace := b.another()
	grace.send("/login", "/", "name", "grace", "password", "nanosecond")

	a := laptop.get("/account")
	a.wants(t, "Firefox on Linux", "Chrome on Android", "Created", "Last seen", sessionID(t, phone))
	a.lacks(t, sessionID(t, grace), sessionID(t, laptop), laptop.cookie().Value, phone.cookie().Value)
	if n := strings.Count(a.text, "This device"); n != 1 {
		t.Errorf("%d devices are this one, want 1", n)
	}
	if n := strings.Count(a.text, `action="/account/device"`); n != 1 {
		t.Errorf("%d devices can be signed out, want 1", n)
	}
	grace.get("/account").wants(t, "You are signed in nowhere else")
}

func TestSigningOutADevice(t *testing.T) {
	t.Parallel()
	laptop, phone := twoDevices(openShop(t, "memory"))
	third := laptop.another()
	third.signIn("/")
	id := sessionID(t, phone)
	laptop.send("/account/device", "/account", "id", id)
	laptop.get("/account").wants(t, "Signed out: Chrome on Android.")
	if phone.isSignedIn() || !laptop.isSignedIn() || !third.isSignedIn() {
		t.Error("not that device alone is signed out")
	}
	laptop.send("/account/device", "/account", "id", id) // sent twice
	laptop.get("/account").wants(t, "There was nothing left to sign out.")
}

func TestNobodySignsOutSomebodyElse(t *testing.T) {
	t.Parallel()
	laptop, _ := twoDevices(openShop(t, "memory"))
	grace := laptop.another()
	grace.send("/login", "/", "name", "grace", "password", "nanosecond")
	for _, id := range []string{sessionID(t, laptop), "", "x", strings.Repeat("0", 32)} {
		grace.send("/account/device", "/account", "id", id)
	}
	grace.send("/account/others", "/account")
	if !laptop.isSignedIn() {
		t.Error("one user has ended the session of another")
	}
}

func TestSigningOutTheOtherDevices(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		laptop, phone := twoDevices(b)
		third, grace := b.another(), b.another()
		third.signIn("/")
		grace.send("/login", "/", "name", "grace", "password", "nanosecond")
		laptop.send("/account/others", "/account")
		if a := laptop.get("/account"); b.kind == "memory" {
			a.wants(t, "2 other devices are signed out.")
		}
		if phone.isSignedIn() || third.isSignedIn() || !laptop.isSignedIn() || !grace.isSignedIn() {
			t.Error("not the other devices of the user alone are signed out")
		}
		phone.signIn("/") // which is welcome again
		if !phone.isSignedIn() || !laptop.isSignedIn() {
			t.Error("a login after it does not last")
		}
	})
}

func TestAccountSaysWhatItCannotList(t *testing.T) {
	t.Parallel()
	laptop, phone := twoDevices(openShop(t, "cookie"))
	a := laptop.get("/account")
	a.wants(t, "has no list of them", "Firefox on Linux", "This device", `action="/account/others"`)
	a.lacks(t, "Chrome on Android", `action="/account/device"`)
	if a := laptop.post("/account/device", "id", sessionID(t, phone)); a.StatusCode != http.StatusNotImplemented {
		t.Errorf("signing out one device was answered with %s, want 501", a.Status)
	}
	if !phone.isSignedIn() {
		t.Error("it was signed out all the same")
	}
}

func TestAccountIsForThoseWhoHaveSignedIn(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		for _, page := range []string{"/account", "/account/password", "/clock"} {
			b.leads(page, "/login?next="+page)
		}
		b.send("/account/device", "/login?next=/account", "id", "x")
		b.send("/account/others", "/login?next=/account")
		b.send("/account/password", "/login?next=/account/password")
		b.send("/confirm", "/login?next=/clock", "next", "/clock")
		if len(b.cookies()) != 0 {
			t.Error("a visitor who has not signed in got a cookie")
		}
	})
}

// unlisted is a store that has lost its index.
type unlisted struct{ *memory.Store }

var errRefused = errors.New("connection refused to 10.0.0.7")

func (unlisted) ListSessions(context.Context, string) ([]store.Record, error) {
	return nil, errRefused
}

func (unlisted) RevokeSubject(context.Context, string, time.Time, ...store.ID) ([]store.ID, error) {
	return nil, errRefused
}

func TestAccountSaysWhenTheStoreIsDown(t *testing.T) {
	t.Parallel()
	b := openShopOn(t, unlisted{memory.New()}, "memory")
	b.signIn("/")
	down := func(a answer, want string) {
		t.Helper()
		if a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s %s answered %s, want 503", a.Request.Method, a.Request.URL.Path, a.Status)
		}
		a.wants(t, want)
		a.lacks(t, "10.0.0.7", "This device")
	}
	down(b.do(b.request("GET", "/account", nil)), "Back in a moment")
	down(b.post("/account/device", "id", "x"), "Back in a moment")
	down(b.post("/account/others"), "Back in a moment")
	down(b.post("/account/password", "password", "difference engine", "again", "difference engine"),
		"Your other devices could not be signed out")
}
