package main

import (
	"io"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
)

func TestTwoProcessesOnOneRedisAreOneShop(t *testing.T) {
	t.Parallel()
	key, redisURL := session.NewKey().Encode(), "redis://"+redistest.Start(t).Addr
	one := startProgram(t, key, "-store", "redis", "-redis", redisURL)
	two := startProgram(t, key, "-store", "redis", "-redis", redisURL)
	here := one.browser(t, "redis")
	here.agent = firefoxOnLinux
	there := here.at(two)

	here.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	there.send("/cart/add", "/#mug", "product", "mug", "quantity", "2")
	here.get("/cart").wants(t, `name="quantity" value="3"`)
	here.send("/coupon", "/cart", "code", couponCode)
	there.post("/coupon", "code", couponCode).wants(t, "You have redeemed this coupon already")

	there.signIn("/")
	here.get("/account").wants(t, "You are signed in as Ada")
	here.get("/session").wants(t, "Redis holds the session")
	if a, b := sessionID(t, here), sessionID(t, there); a != b {
		t.Errorf("the session is %s in one process and %s in the other", a, b)
	}

	// A second browser ends the session, which holds in the other process for
	// what runs there already.
	phone := two.browser(t, "redis")
	phone.agent = chromeOnPhone
	phone.signIn("/")
	phone.get("/account").wants(t, "Firefox on Linux", "Chrome on Android")
	stream := here.listen()
	phone.send("/account/device", "/account", "id", sessionID(t, here))
	if here.isSignedIn() || there.isSignedIn() || !phone.at(one).isSignedIn() {
		t.Error("not the session alone that was signed out has ended")
	}
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("the clock was cut off: %v", err)
	}
	here.isTold()

	// What one process has saved outlives it.
	phone.send("/cart/add", "/#vase", "product", "vase", "quantity", "1")
	if stderr := two.stop(t); strings.TrimSpace(stderr) != "" {
		t.Errorf("stderr is %q", stderr)
	}
	phone.at(one).get("/cart").wants(t, "Bud vase")
}
