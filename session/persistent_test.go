package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
)

// maxAge returns the Max-Age in seconds of the session's cookie, 0 where it goes
// with the browser, and -1 where there is none.
func maxAge(response *http.Response) int {
	for _, c := range response.Cookies() {
		if c.Name == "__Host-session" {
			return c.MaxAge
		}
	}
	return -1
}

func TestPersistence(t *testing.T) {
	remember := func(s *session.Session[state]) { s.SetPersistent(true) }
	forget := func(s *session.Session[state]) { s.SetPersistent(false) }
	change := func(s *session.Session[state]) { s.Update(count) }
	in := func(steps ...func(*session.Session[state])) func(*session.Session[state]) {
		return func(s *session.Session[state]) {
			for _, step := range steps {
				step(s)
			}
		}
	}
	const none, session0, hour = -1, 0, 3600
	tests := []struct {
		name         string
		byDefault    bool
		first, later func(*session.Session[state])
		atFirst      int // the Max-Age of the first response's cookie
		afterwards   int // of the later one's
	}{
		{"by default not", false, change, change, session0, none},
		{"by default, where the manager has it so", true, change, func(*session.Session[state]) {}, hour, none},
		{"a new session, remembered", false, in(change, remember), change, hour, hour},
		{"a new session, remembered first", false, in(remember, change), change, hour, hour},
		{"a new session, not remembered", true, in(change, forget), change, session0, none},
		{"a session that is there, remembered", false, change, remember, session0, hour},
		{"a session that is there, not remembered any more", true, change, forget, hour, session0},
		{"remembered twice", false, in(change, remember), remember, hour, none},
		{"remembered after all", false, change, in(forget, remember), session0, hour},
		{"not remembered after all", false, change, in(remember, forget), session0, none},
		{"remembered, and saved on the way", false, in(change, func(s *session.Session[state]) { _ = s.Save(t.Context()) }, remember), change, hour, hour},
		{"remembered across a renewal", false, in(change, remember), (*session.Session[state]).Renew, hour, hour},
		{"forgotten with the session", false, in(change, remember), in((*session.Session[state]).Destroy, change), hour, session0},
		{"a visitor, remembered", false, remember, change, none, session0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newHarness(t, func(c *session.Config[state]) { c.Cookie.Persistent = test.byDefault })
				if got := maxAge(g.use(test.first)); got != test.atFirst {
					t.Errorf("the first response: Max-Age %d, want %d", got, test.atFirst)
				}
				if got := maxAge(g.use(test.later)); got != test.afterwards {
					t.Errorf("the later response: Max-Age %d, want %d", got, test.afterwards)
				}
			})
		})
	}
}

// The browser's cookie has to last as long as the session: each extension sends
// it again, and it ends when the session does.
func TestPersistentCookieIsExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t, timeouts(time.Hour, 2*time.Hour), func(c *session.Config[state]) { c.Cookie.Persistent = true })
		use := func(pause time.Duration, fn func(*session.Session[state]), want time.Duration) {
			t.Helper()
			time.Sleep(pause)
			response := g.use(fn)
			if got := time.Duration(maxAge(response)) * time.Second; got != want {
				t.Errorf("Max-Age %v, want %v", got, want)
			}
		}
		read := func(*session.Session[state]) {}
		change := func(s *session.Session[state]) { s.Update(count) }
		const none = -time.Second
		use(0, change, time.Hour)
		use(6*time.Minute, read, none)
		use(tick, read, time.Hour)
		use(time.Minute-tick, change, time.Hour)
		// From now on it is the absolute timeout, in seconds, rounded up.
		use(54*time.Minute-500*time.Millisecond, read, time.Hour-time.Minute+time.Second)
		use(58*time.Minute, change, time.Minute+time.Second)
		use(time.Minute, change, time.Second) // half a second is left
	})
}
