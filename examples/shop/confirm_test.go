package main

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestChangingThePasswordNeedsAFreshLogin(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, b *browser) {
		const page, question = "/account/password", "/confirm?next=/account/password"
		change := []string{"password", "difference engine", "again", "difference engine"}
		b.signIn("/")
		thief := b.another() // has a copy of the cookie, and not the password
		thief.take(b)

		time.Sleep(freshFor - time.Millisecond)
		b.get(page)
		time.Sleep(time.Millisecond)
		b.leads(page, question)
		b.send(page, question, change...)
		thief.send(page, question, change...)

		b.get(question).wants(t, "Password of Ada", `name="next" value="/account/password"`)
		for _, wrong := range []string{"", "nanosecond", "difference engine"} {
			a := b.post("/confirm", "name", "ada", "password", wrong, "next", page)
			if a.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("confirming with %q answered %s, want 422", wrong, a.Status)
			}
			a.wants(t, "That is not your password", `value="/account/password"`)
		}
		b.leads(page, question)

		before := b.cookie().Value
		b.send("/confirm", page, "name", "ada", "password", "analytical", "next", page)
		if b.cookie().Value == before {
			t.Error("the cookie is the same after the password was given")
		}
		if b.kind == "cookie" {
			thief.leads(page, question) // the old cookie stays good, and as stale as it was
		} else {
			thief.leads(page, "/login?next="+page)
		}
		b.get(page)
		b.send(page, "/account", change...)
		thief.leads("/account", "/login?next=/account")
		b.get("/account").wants(t, "Your password is changed.")

		a := b.another().post("/login", "name", "ada", "password", "analytical")
		if a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the old password was answered with %s, want 422", a.Status)
		}
		b.another().send("/login", "/", "name", "ada", "password", "difference engine")
		b.another().send("/login", "/", "name", "grace", "password", "nanosecond")
	})
}

// take gives the browser a copy of what another one holds.
func (b *browser) take(other *browser) {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	cookie := *other.cookie()
	cookie.Path, cookie.Secure = "/", true
	b.client.Jar.SetCookies(u, []*http.Cookie{&cookie})
}

func TestSigningOutOthersMakesALoginNoFresher(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, b *browser) {
		b.signIn("/")
		time.Sleep(freshFor)
		b.send("/account/others", "/account") // which needs no fresh login
		b.leads("/account/password", "/confirm?next=/account/password")
	})
}

func TestChangedPasswordEndsTheOtherSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		other, grace := b.another(), b.another()
		b.signIn("/")
		other.signIn("/")
		grace.send("/login", "/", "name", "grace", "password", "nanosecond")
		copied := b.another()
		copied.take(b)

		b.send("/account/password", "/account", "password", "difference engine", "again", "difference engine")
		b.get("/account").wants(t, "Your password is changed.", "You are signed in as Ada")
		other.leads("/account", "/login?next=/account")
		copied.leads("/account", "/login?next=/account")
		grace.get("/account").wants(t, "You are signed in as Grace")
	})
}

func TestBadNewPasswordIsRefused(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	b.signIn("/")
	for _, test := range []struct{ password, again, want string }{
		{"", "", "too short"},
		{"engines", "engines", "too short"},
		{"ünïcödé", "ünïcödé", "too short"}, // eight bytes and more, seven characters
		{"difference engine", "difference engines", "not the same"},
	} {
		a := b.post("/account/password", "password", test.password, "again", test.again)
		if a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the password %q was answered with %s, want 422", test.password, a.Status)
		}
		a.wants(t, test.want)
	}
	b.another().signIn("/")
}

func TestFormsLeadToNoOtherSite(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	b.signIn("/")
	for _, next := range []string{
		"//evil.example/", "https://evil.example/", `/\evil.example`, `\/evil.example`, "javascript:alert(1)",
		"/account@evil.example", "/account//evil.example", "account", "/account\r\nSet-Cookie: a=b", "",
	} {
		b.signIn("/", "next", next)
		b.send("/confirm", "/", "name", "ada", "password", "analytical", "next", next)
		query := "?next=" + url.QueryEscape(next)
		b.get("/confirm"+query).wants(t, `name="next" value="/"`)
		b.get("/login"+query).wants(t, `name="next" value="/"`)
		b.another().leads("/confirm"+query, "/login?next=/")
	}
	b.signIn("/account", "next", "/account")
	b.signIn("/", "next", "/account/others") // a form, not a page
}
