package migrate_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/e2e/migrate"
	"github.com/typedsession/typedsession/session"
)

// refused fails the test unless the answer is an error that tells the browser
// of nothing.
func refused(t testing.TB, answer reply) {
	t.Helper()
	if answer.code != http.StatusServiceUnavailable || len(answer.cookies) != 0 {
		t.Errorf("status %d with cookies %v, want 503 without", answer.code, answer.cookies)
	}
}

func TestNewStoreFails(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		synctest.Test(t, func(t *testing.T) {
			c := alice(b)
			p := b.switchTo(t)
			p.store.down.Store(true)
			answer := c.ask(p, "/logout")
			refused(t, answer)
			if got := strings.TrimSpace(answer.text); got != "the shop's own error page" {
				t.Errorf("the answer is %q, not the ErrorHandler's", got)
			}
			if got := answer.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q, not the Manager's", got)
			}
			c.clone().wants(t, b, "alice[mug]")
			p.store.down.Store(false)
			recovered := time.Now()
			c.wants(t, p, "alice[mug]")
			if waited := time.Since(recovered); waited > time.Second {
				t.Errorf("waited %v for the request that has failed", waited)
			}
			wantSessions(t, p.manager, 1)
		})
	})
}

func TestMarksFail(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		p := b.switchTo(t)
		p.marks.down.Store(true)
		refused(t, c.ask(p, "/who"))
		c.clone().wants(t, b, "alice[mug]")
		p.marks.down.Store(false)

		// The mark was made, but nobody knows.
		p.marks.lose.Store(true)
		refused(t, c.ask(p, "/who"))
		c.clone().wants(t, b, "alice[mug]")
		c.wants(t, p, "alice[mug]")
		wantSessions(t, p.manager, 1)
	})
}

func TestOldStoreFails(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		if b.down == nil {
			return // there is none
		}
		c := alice(b)
		p := b.switchTo(t)
		b.down.Store(true)
		refused(t, c.ask(p, "/who"))
		b.down.Store(false)

		// Read, but not ended: it is taken over, but a request is not let pass
		// as long as the old session is live.
		end := p.adopter.End
		p.adopter.End = func(w http.ResponseWriter, r *http.Request) error {
			b.down.Store(true)
			return end(w, r)
		}
		refused(t, c.ask(p, "/add?item=vase"))
		b.down.Store(false)
		c.clone().wants(t, b, "alice[mug]")
		p.adopter.End = end
		c.ask(p, "/add?item=vase")
		c.wants(t, p, "alice[mug vase]")
		c.wants(t, b, nobody)
		wantSessions(t, p.manager, 1)
	})
}

// The claim of a request that died must not lock the visitor out.
func TestRequestThatDiesIsWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		synctest.Test(t, func(t *testing.T) {
			c := alice(b)
			p := b.switchTo(t)
			read := p.adopter.Read
			p.adopter.Read = func(*http.Request) (func(*session.Session[migrate.State]), error) {
				return func(*session.Session[migrate.State]) { panic("dead") }, nil
			}
			func() {
				defer func() { _ = recover() }()
				c.send(p, "/who")
			}()
			p.adopter.Read = read
			c.wants(t, p, "alice[mug]")
		})
	})
}

// The session has been taken over, and what the application then did was not
// saved: the client must hear of the one, and not of the other.
func TestApplicationFailsAfterwards(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		p := b.switchTo(t)
		handler := p.adopter.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			program().ServeHTTP(w, r)
			p.store.down.Store(true)
		}))
		if got := c.ask(handler, "/add?item=vase").code; got != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", got)
		}
		p.store.down.Store(false)
		delete(c, b.cookie)
		c.wants(t, p, "alice[mug]")
		wantSessions(t, p.manager, 1)
	})
}
