package migrate_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/e2e/migrate"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

func TestUsersStayLoggedIn(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		copied := c.clone()
		p := b.switchTo(t)
		answer := c.ask(p, "/who")
		if answer.text != "alice[mug]" || c[b.cookie] != nil || c[cookieName] == nil {
			t.Errorf("the visitor is %q and holds %v, want alice[mug] and the new cookie only", answer.text, c)
		}
		for _, expired := range answer.cookies {
			if expired.Name == b.cookie {
				browser{b.cookie: expired}.wants(t, b, nobody)
			}
		}
		if b.down != nil {
			copied.wants(t, b, nobody)
		}
		marks := p.marks.calls.Load()
		c.ask(p, "/add?item=vase")
		c.wants(t, p, "alice[mug vase]")
		if got := p.marks.calls.Load() - marks; got != 0 {
			t.Errorf("%d calls for marks by a visitor who was taken over", got)
		}
		wantSessions(t, p.manager, 1)
	})
}

func TestLogoutDuringTheSwitchHolds(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		copied := c.clone()
		p := b.switchTo(t)
		c.ask(p, "/logout")
		if len(c) != 0 {
			t.Errorf("the browser holds %v, want no cookie", c)
		}
		c.wants(t, p, nobody)
		copied.wants(t, p, nobody)
		if len(copied) != 0 {
			t.Errorf("whoever copied the old cookie holds %v, want no cookie", copied)
		}
	})
}

func TestLogoutAfterTheSwitchHolds(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		copied := c.clone()
		p := b.switchTo(t)
		c.wants(t, p, "alice[mug]")
		c.ask(p, "/logout")
		copied.wants(t, p, nobody)
		wantSessions(t, p.manager, 0)
	})
}

// A mark leads to the session that it names, but not away from another one.
func TestOldCookieHidesNoLogin(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		p := b.switchTo(t)
		bob := browser{b.cookie: c[b.cookie]}
		c.wants(t, p, "alice[mug]")
		bob.keep(browser{}.ask(p, "/login?user=bob"))
		bob.wants(t, p, "bob[]")
		bob.wants(t, p, "bob[]")
		if bob[b.cookie] != nil {
			t.Error("the old cookie was not expired")
		}
	})
}

func TestAnonymousVisitorCostsNothing(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		p := b.switchTo(t)
		if b.down != nil {
			b.down.Store(true)
		}
		c := browser{}
		c.wants(t, p, nobody)
		if got := p.store.calls.Load() + p.marks.calls.Load(); got != 0 || len(c) != 0 {
			t.Errorf("%d calls and cookies %v, want none", got, c)
		}
	})
}

func TestWorthlessOldCookieIsExpired(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		p := b.switchTo(t)
		c := browser{b.cookie: {Name: b.cookie, Value: "forged"}}
		c.wants(t, p, nobody)
		if len(c) != 0 {
			t.Errorf("the browser holds %v, want no cookie", c)
		}
		if got := p.store.calls.Load(); got != 0 {
			t.Errorf("%d calls of the store", got)
		}
		if got := p.marks.calls.Load(); got != 1 {
			t.Errorf("%d calls for marks, want one that finds none", got)
		}
	})
}

func TestCartsOfAnonymousVisitorsAreKept(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := browser{}
		c.ask(b, "/add?item=mug")
		p := b.switchTo(t)
		if b.cookie == gorillaCookie { // which may be two visitors' at once
			c.wants(t, p, nobody)
			return
		}
		c.wants(t, p, "[mug]")
		c.ask(p, "/login?user=alice")
		c.wants(t, p, "alice[mug]")
	})
}

// This happens after a roll-back, during which somebody logged in at the old
// program.
func TestNewSessionIsMergedOrStays(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		p := b.switchTo(t)
		anonymous := browser{}
		anonymous.ask(p, "/add?item=cup")
		planted := anonymous[cookieName].Value
		anonymous[b.cookie] = alice(b)[b.cookie]
		anonymous.wants(t, p, "alice[cup mug]")
		if anonymous[cookieName].Value == planted {
			t.Error("the secret from before the login is still good")
		}

		other := alice(b)
		other.ask(b, "/add?item=jug")
		bob := browser{}
		bob.ask(p, "/login?user=bob")
		bob[b.cookie] = other[b.cookie]
		bob.wants(t, p, "bob[]")
		other.wants(t, p, nobody)
	})
}

func TestRememberedStayRemembered(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		p := b.switchTo(t)
		for login, want := range map[string]bool{"/login?user=alice": false, "/login?user=alice&remember=1": true} {
			c := browser{}
			c.ask(b, login)
			c.wants(t, p, "alice[]")
			want = want && b.cookie != gorillaCookie || b.persists
			if got := c[cookieName].MaxAge > 0; got != want {
				t.Errorf("%s: the new cookie is persistent: %v, want %v", login, got, want)
			}
		}
	})
}

// Where nothing at all is held on the server, neither are marks. Then copies of
// the old cookie stay good, as they always were.
func TestFromCookiesToCookies(t *testing.T) {
	b := newGorilla(t)
	c := alice(b)
	m := newManager(t, cookie.New(), session.NewKey())
	p := b.adopt(m, cookie.New()).Wrap(program())
	c.wants(t, p, "alice[mug]")
	c.ask(p, "/add?item=vase")
	c.wants(t, p, "alice[mug vase]")
	c.ask(p, "/logout")
	c.wants(t, p, nobody)
}

// A shared cache that kept the answer would hand the session to everybody.
func TestAnswerWithNewCookieIsNotCached(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"write":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) },
		"status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"flush":  func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"none":   func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSCS(t)
			c := alice(b)
			p := b.switchTo(t)
			answer := c.ask(p.adopter.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "public, max-age=3600")
				handler(w, r)
			})), "/")
			if got := answer.header.Get("Cache-Control"); got != "no-store" || c[cookieName] == nil {
				t.Errorf("Cache-Control is %q, and the browser holds %v", got, c)
			}
		})
	}
}

// Whoever can read the store must not be able to use what is in it.
func TestMarkShowsNoToken(t *testing.T) {
	b := newGorilla(t)
	c := alice(b)
	p := b.switchTo(t)
	seen := &recorder{Store: p.marks}
	p.adopter.Marks = seen
	c.wants(t, p, "alice[mug]")
	if len(seen.payload) == 0 || bytes.Contains(seen.payload, []byte(c[cookieName].Value)) {
		t.Errorf("the mark is %q", seen.payload)
	}
}

// recorder is a store that remembers what it was given last.
type recorder struct {
	store.Store
	payload []byte
}

func (r *recorder) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	r.payload = bytes.Clone(rec.Payload)
	return r.Store.Update(ctx, base, rec)
}

func TestClientThatLeavesIsTakenOver(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		p := b.switchTo(t)
		ctx, cancel := context.WithCancel(t.Context())
		read := p.adopter.Read
		p.adopter.Read = func(r *http.Request) (func(*session.Session[migrate.State]), error) {
			carry, err := read(r)
			return func(s *session.Session[migrate.State]) {
				cancel()
				carry(s)
			}, err
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/who", nil)
		r.AddCookie(c[b.cookie])
		p.ServeHTTP(httptest.NewRecorder(), r)
		c.wants(t, p, "alice[mug]")
		wantSessions(t, p.manager, 1)
	})
}
