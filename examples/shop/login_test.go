package main

import (
	"maps"
	"net/http"
	"os"
	"testing"
)

// passwords are those that the sign-in page tells.
var passwords = map[string]string{"ada": "analytical", "grace": "nanosecond"}

// TestMain makes logins cheap: under the race detector one takes seconds.
func TestMain(m *testing.M) {
	realUsers = maps.Clone(users)
	for name, given := range passwords {
		p, err := newPassword(given, 1)
		if err != nil {
			panic(err)
		}
		user := users[name]
		user.password = p
		users[name] = user
	}
	m.Run()
	os.RemoveAll(programDir) //nolint:errcheck // it is a temporary folder
}

// realUsers are the users as the program has them.
var realUsers map[string]User

func TestUsersHaveThePasswordsThatThePageTells(t *testing.T) {
	t.Parallel()
	page := openShop(t, "memory").get("/login")
	for name, given := range passwords {
		page.wants(t, "<code>"+name+"</code>", "<code>"+given+"</code>")
		p := realUsers[name].password
		if p.rounds < 600_000 || !p.matches(given) {
			t.Errorf("%s cannot sign in with the password that the page tells", name)
		}
	}
	if len(users) != len(passwords) {
		t.Errorf("%d users, %d passwords", len(users), len(passwords))
	}
}

// signIn signs in as ada.
func (b *browser) signIn(to string, more ...string) answer {
	b.t.Helper()
	return b.send("/login", to, append([]string{"name", "ada", "password", "analytical"}, more...)...)
}

func TestLoginRenewsTheCookieAndKeepsTheCart(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#teapot", "product", "teapot", "quantity", "1")
		before := b.cookie()
		id := sessionID(t, b)

		b.signIn("/")
		b.get("/").wants(t, "Welcome, Ada.", "/logout")
		b.get("/cart").wants(t, "Teapot for two")
		if b.cookie().Value == before.Value {
			t.Error("the cookie is the same after the login")
		}
		if got := sessionID(t, b); got != id {
			t.Errorf("the session's ID became %s after the login, was %s", got, id)
		}

		// Whoever planted the first cookie, or stole it, is not signed in.
		thief := b.another()
		req := thief.request("GET", "/session", nil)
		req.AddCookie(before)
		stolen := thief.do(req)
		stolen.wants(t, `href="/login"`)
		stolen.lacks(t, "Ada", "/logout")
	})
}

// sessionID returns the ID that the page about the session shows.
func sessionID(t *testing.T, b *browser) string {
	t.Helper()
	m := shownID.FindStringSubmatch(b.get("/session").text)
	if m == nil {
		t.Fatal("GET /session shows no ID")
	}
	return m[1]
}

func TestLogoutEndsTheSession(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#teapot", "product", "teapot", "quantity", "1")
		b.signIn("/checkout", "next", "/checkout")
		before, id := b.cookie(), sessionID(t, b)
		if got := b.get("/cart").Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control of the cart is %q, want no-store", got)
		}

		b.send("/logout", "/")
		home := b.get("/")
		home.wants(t, "You have signed out.", `href="/login"`)
		home.lacks(t, "/logout")
		b.get("/cart").wants(t, "There is nothing in it yet")
		if got := sessionID(t, b); got == id {
			t.Error("the session has the ID of the one that was ended")
		}

		thief := b.another()
		req := thief.request("GET", "/session", nil)
		req.AddCookie(before)
		thief.do(req).lacks(t, "Ada", "/logout")
	})
}

func TestRememberMeMakesTheCookieLast(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		if c := only(t, b.signIn("/", "remember", "yes")); c.MaxAge <= 0 {
			t.Errorf("with remember me Max-Age is %d, want more than 0", c.MaxAge)
		}
		b.get("/session").wants(t, "Your browser keeps the cookie")
		if c := only(t, b.signIn("/")); c.MaxAge != 0 {
			t.Errorf("without remember me Max-Age is %d, want none", c.MaxAge)
		}
		b.get("/session").wants(t, "Your browser forgets the cookie")
	})
}

// only returns the one cookie that an answer sets, with the safe defaults.
func only(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	all := a.Cookies()
	if len(all) != 1 {
		t.Fatalf("%d cookies set, want 1", len(all))
	}
	c := all[0]
	if c.Name != "__Host-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie lacks a safe default: %v", a.Header["Set-Cookie"])
	}
	return c
}

func TestWrongPasswordIsRefused(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	for _, name := range []string{"ada", "nobody"} {
		a := b.post("/login", "name", name, "password", "nanosecond", "next", "/checkout")
		if a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("signing in as %s answered %s, want 422", name, a.Status)
		}
		a.wants(t, "do not match", `value="`+name+`"`, `value="/checkout"`)
		if len(b.cookies()) != 0 {
			t.Error("a refused login set a cookie")
		}
	}
}

func TestNextUserFindsNothingOfTheLast(t *testing.T) {
	b := openShop(t, "memory")
	b.signIn("/")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	b.send("/login", "/", "name", " Grace ", "password", "nanosecond")
	b.get("/").wants(t, "Welcome, Grace.")
	b.get("/cart").wants(t, "There is nothing in it yet")
}

func TestCheckout(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.leads("/checkout", "/cart") // which is empty
		b.leads("/order", "/cart")
		b.send("/cart/add", "/#plates", "product", "plates", "quantity", "2")
		b.leads("/checkout", "/login?next=/checkout")
		b.send("/checkout", "/login?next=/checkout")
		b.get("/login?next=/checkout").wants(t, `name="next" value="/checkout"`)

		b.signIn("/checkout", "next", "/checkout")
		b.get("/checkout").wants(t, "Ada", "2 × Supper plates", "$108.00")
		b.send("/checkout", "/order")
		first := b.get("/order")
		first.wants(t, "Thank you", "$108.00")
		b.get("/cart").wants(t, "There is nothing in it yet")

		b.send("/checkout", "/order") // sent twice
		if second := b.get("/order"); second.text != first.text {
			t.Error("the form sent twice made a second order")
		}
	})
}
