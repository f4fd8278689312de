package session_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

const tick = time.Millisecond // the resolution of every timeout

// timeouts is an option.
func timeouts(idle, absolute time.Duration) func(*session.Config[state]) {
	return func(c *session.Config[state]) { c.IdleTimeout, c.AbsoluteTimeout = idle, absolute }
}

// watchedOver sets a Revoker for sessions that the client holds: without one a
// request that only reads does not extend them.
func watchedOver(held string) func(*session.Config[state]) {
	return func(c *session.Config[state]) {
		if held == "held by the client" {
			c.Revoker = new(memory.Revoker)
		}
	}
}

func TestTimeouts(t *testing.T) {
	stores := map[string]func() store.Store{
		"held by the server": func() store.Store { return memory.New() },
		"held by the client": func() store.Store { return cookie.New() },
	}
	tests := []struct {
		name     string
		idle     time.Duration
		absolute time.Duration
		pauses   []time.Duration // between requests; the session is live before the last
		live     bool
	}{
		{"default idle timeout, one tick before", 0, 0, []time.Duration{time.Hour - tick}, true},
		{"default idle timeout", 0, 0, []time.Duration{time.Hour}, false},
		{"idle, one tick before", time.Minute, time.Hour, []time.Duration{time.Minute - tick}, true},
		{"idle", time.Minute, time.Hour, []time.Duration{time.Minute}, false},
		{"idle begins again with each use, one tick before", time.Minute, time.Hour, []time.Duration{50 * time.Second, 50 * time.Second, time.Minute - tick}, true},
		{"idle begins again with each use", time.Minute, time.Hour, []time.Duration{50 * time.Second, 50 * time.Second, time.Minute}, false},
		{"idle is not extended by a use within a tenth of it", time.Minute, time.Hour, []time.Duration{6 * time.Second, 54 * time.Second}, false},
		{"but by one a tick later", time.Minute, time.Hour, []time.Duration{6*time.Second + tick, time.Minute - tick}, true},
		{"absolute, one tick before", 2 * time.Minute, 3 * time.Minute, []time.Duration{time.Minute, time.Minute, time.Minute - tick}, true},
		{"absolute", 2 * time.Minute, 3 * time.Minute, []time.Duration{time.Minute, time.Minute, time.Minute}, false},
		{"both are one, one tick before", time.Minute, time.Minute, []time.Duration{30 * time.Second, 30*time.Second - tick}, true},
		{"both are one", time.Minute, time.Minute, []time.Duration{30 * time.Second, 30 * time.Second}, false},
		{"one millisecond, the shortest", tick, tick, []time.Duration{0}, true},
		{"one millisecond, over", tick, tick, []time.Duration{tick}, false},
		{"default absolute timeout, one tick before", 20 * time.Hour, 0, []time.Duration{12 * time.Hour, 12*time.Hour - tick}, true},
		{"default absolute timeout", 20 * time.Hour, 0, []time.Duration{12 * time.Hour, 12 * time.Hour}, false},
		{"an idle timeout longer than that moves it, one tick before", 48 * time.Hour, 0, []time.Duration{48*time.Hour - tick}, true},
		{"an idle timeout longer than that moves it", 48 * time.Hour, 0, []time.Duration{48 * time.Hour}, false},
	}
	for name, st := range stores {
		for _, test := range tests {
			t.Run(name+": "+test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					// What the client keeps is told a later expiry by a cookie.
					m := newManager(t, st(), timeouts(test.idle, test.absolute), watchedOver(name))
					b := newBrowser(t, nil)
					b.do(m, login)
					for i, pause := range test.pauses {
						time.Sleep(pause)
						last := i == len(test.pauses)-1
						if live := b.read(m).User == "alice"; live != (!last || test.live) {
							t.Fatalf("live %v after %v", live, test.pauses[:i+1])
						}
					}
				})
			})
		}
	}
}

// Timeouts that were shortened count for the sessions that are there, whatever
// their records say. Longer ones count from the next use on.
func TestTimeoutsThatWereChanged(t *testing.T) {
	tests := []struct {
		name  string
		after func(*session.Config[state])
		pause time.Duration // since the session was used, and two minutes since it began
		live  bool
	}{
		{"shorter idle, one tick before", timeouts(10*time.Minute, time.Hour), 10*time.Minute - tick, true},
		{"shorter idle", timeouts(10*time.Minute, time.Hour), 10 * time.Minute, false},
		{"shorter absolute, one tick before", timeouts(10*time.Minute, 10*time.Minute), 8*time.Minute - tick, true},
		{"shorter absolute", timeouts(10*time.Minute, 10*time.Minute), 8 * time.Minute, false},
		{"longer, one tick before", timeouts(2*time.Hour, 4*time.Hour), 30*time.Minute - tick, true},
		{"longer", timeouts(2*time.Hour, 4*time.Hour), 30 * time.Minute, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key, st, b := session.NewKey(), memory.New(), newBrowser(t, nil)
				keyed := func(c *session.Config[state]) { c.Keys = []session.Key{key} }
				m := newManager(t, st, keyed, timeouts(30*time.Minute, time.Hour))
				b.do(m, login)
				time.Sleep(2 * time.Minute)
				b.do(m, increment)
				time.Sleep(test.pause)
				m = newManager(t, st, keyed, test.after)
				if live := b.read(m).User == "alice"; live != test.live {
					t.Errorf("live %v, want %v", live, test.live)
				}
			})
		})
	}
}

func TestExtension(t *testing.T) {
	const idle, absolute, tenth = time.Hour, 3 * time.Hour, 6 * time.Minute
	read := func(s *session.Session[state]) { _ = s.State() }
	unused := func(*session.Session[state]) {}
	tests := []struct {
		name     string
		policy   session.ExtendPolicy
		pauses   []time.Duration
		use      func(*session.Session[state])
		extended bool
		expires  time.Duration
	}{
		{"a read at once", session.ExtendOnRequest, []time.Duration{0}, read, false, idle},
		{"a read after a tenth", session.ExtendOnRequest, []time.Duration{tenth}, read, false, idle},
		{"a read one tick later", session.ExtendOnRequest, []time.Duration{tenth + tick}, read, true, idle + tenth + tick},
		{"being looked at is use", session.ExtendOnRequest, []time.Duration{tenth + tick}, unused, true, idle + tenth + tick},
		{"an update without effect", session.ExtendOnRequest, []time.Duration{tenth + tick}, func(s *session.Session[state]) { s.Update(func(*state) {}) }, true, idle + tenth + tick},
		{"a save of nothing", session.ExtendOnRequest, []time.Duration{tenth + tick}, func(s *session.Session[state]) { _ = s.Save(t.Context()) }, true, idle + tenth + tick},
		{"only up to the absolute timeout", session.ExtendOnRequest, []time.Duration{50 * time.Minute, 50 * time.Minute, 50 * time.Minute}, read, true, absolute},
		{"not once that is reached", session.ExtendOnRequest, []time.Duration{50 * time.Minute, 50 * time.Minute, 50 * time.Minute, 20 * time.Minute}, read, false, absolute},
		{"on change: not by a read", session.ExtendOnChange, []time.Duration{50 * time.Minute}, read, false, idle},
		{"on change: not by an update without effect", session.ExtendOnChange, []time.Duration{50 * time.Minute}, func(s *session.Session[state]) { s.Update(func(*state) {}) }, false, idle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newHarness(t, timeouts(idle, absolute), func(c *session.Config[state]) { c.Extend = test.policy })
				start := time.Now()
				g.update(count)
				for i, pause := range test.pauses {
					time.Sleep(pause)
					g.log.kinds()
					response := g.use(func(s *session.Session[state]) {
						if i == len(test.pauses)-1 {
							test.use(s)
						}
					})
					if cookieChange(response) != "" {
						t.Errorf("cookie %q: its value has not changed", cookieChange(response))
					}
				}
				want := []string{"loaded"}
				if test.extended {
					want = append(want, "extended")
				}
				g.log.want(t, want...)
				g.anotherTab().use(func(s *session.Session[state]) {
					if got := s.ExpiresAt().Sub(start); got != test.expires {
						t.Errorf("it expires after %v, want %v", got, test.expires)
					}
				})
			})
		})
	}
}

// A change extends whatever the policy, and however short the time is.
func TestChangeExtends(t *testing.T) {
	for _, policy := range []session.ExtendPolicy{session.ExtendOnRequest, session.ExtendOnChange} {
		synctest.Test(t, func(t *testing.T) {
			g := newHarness(t, func(c *session.Config[state]) { c.Extend = policy })
			g.update(count)
			time.Sleep(time.Minute)
			g.update(count)
			time.Sleep(time.Hour - tick)
			if got := g.state().Count; got != 2 {
				t.Errorf("policy %d: an hour after the last change, but for a tick: count %d", policy, got)
			}
		})
	}
}

func TestUnusedSessionIsNotExtended(t *testing.T) {
	for _, eager := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newHarness(t, func(c *session.Config[state]) { c.EagerLoad = eager })
			g.update(count)
			time.Sleep(50 * time.Minute)
			g.do(g.m, func(http.ResponseWriter, *http.Request) {})
			time.Sleep(10 * time.Minute)
			if live := g.state().Count == 1; live != eager {
				t.Errorf("eager %v: live %v", eager, live)
			}
		})
	}
}

// An extension is nothing that the request is about.
func TestExtensionThatFails(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(*harness) error // in front of the store's update
		events []string
		left   state
	}{
		{"the store is out of reach", func(*harness) error { return errRefused }, []string{"loaded", "failed"}, state{Count: 1}},

		{"another request has just changed the session", func(g *harness) error { g.anotherTab().update(count); return nil }, []string{"loaded", "loaded", "saved"}, state{Count: 2}},
		{"another request has just extended it", func(g *harness) error { g.anotherTab().use(func(*session.Session[state]) {}); return nil }, []string{"loaded", "loaded", "extended"}, state{Count: 1}},
		{"another request has just ended it", func(g *harness) error { destroyElsewhere(g); return nil }, []string{"loaded", "loaded", "destroyed"}, state{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newHarness(t)
				g.update(count)
				g.log.kinds()
				time.Sleep(50 * time.Minute)
				g.store.before = func(op string, _ store.ID) error {
					if op != "update" {
						return nil
					}
					g.store.before = nil
					return test.spoil(g)
				}
				var saved error
				response := g.use(func(s *session.Session[state]) { saved = s.Save(t.Context()) })
				if response.StatusCode != http.StatusOK || saved != nil || cookieChange(response) != "" {
					t.Errorf("status %d, Save %v, cookie %q", response.StatusCode, saved, cookieChange(response))
				}
				g.log.want(t, test.events...)
				if diff := cmp.Diff(test.left, g.state()); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Synthetic time only goes forward. A bubble begins at midnight UTC 2000-01-01,
// so what one leaves in the store after some time comes from the future of the
// next.
func TestClockGoesBackwards(t *testing.T) {
	key, st := session.NewKey(), memory.New()
	keyed := func(c *session.Config[state]) { c.Keys = []session.Key{key} }
	b := newBrowser(t, nil)
	var old *browser
	var created time.Time
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, st, keyed)
		time.Sleep(10 * time.Minute)
		created = time.Now()
		b.do(m, increment)
		old = b.clone()
		b.do(m, login)
	})
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, st, keyed)
		response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			s := from(r)
			if s.State().User != "alice" || !s.CreatedAt().Equal(created) {
				t.Errorf("user %q, created %v, want %v", s.State().User, s.CreatedAt(), created)
			}
			s.Update(count)
		})
		if response.StatusCode != http.StatusOK {
			t.Errorf("status %d", response.StatusCode)
		}
		if response := old.do(m, increment); cookieChange(response) != "" {
			t.Errorf("a superseded secret: cookie %q", cookieChange(response))
		}
		// The clock has come back to where the session was last used.
		time.Sleep(time.Until(created) + time.Hour - tick)
		if got := b.clone().read(m).Count; got != 2 {
			t.Errorf("count %d, want 2", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, st, keyed, timeouts(time.Hour, 90*time.Minute))
		b.do(m, increment)
		time.Sleep(time.Until(created) + 90*time.Minute)
		if _, err := m.LoadToken(t.Context(), b.token()); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("at the absolute timeout: %v, want ErrNotFound", err)
		}
	})
}

// TestAbsoluteTimeoutCountsFromTheLogin: an anonymous visitor who logs in late is not
// logged out early.
func TestAbsoluteTimeoutCountsFromTheLogin(t *testing.T) {
	for name, st := range map[string]func() store.Store{
		"memory": func() store.Store { return memory.New() },
		"cookie": func() store.Store { return cookie.New() },
	} {
		for what, again := range map[string]http.HandlerFunc{
			"a login":              login,
			"a confirmed password": func(_ http.ResponseWriter, r *http.Request) { from(r).Login(note("")) },
			"a renewal":            func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, b := newManager(t, st()), newBrowser(t, nil)
					if what != "a login" {
						b.do(m, login)
					}
					start := time.Now()
					b.do(m, increment)
					keepUntil := func(end time.Time) {
						for time.Until(end) > 30*time.Minute {
							time.Sleep(30 * time.Minute)
							b.do(m, increment)
						}
						time.Sleep(time.Until(end))
					}
					keepUntil(start.Add(20 * time.Hour))
					b.do(m, again)
					end := start.Add(44 * time.Hour)
					if what == "a renewal" {
						end = start.Add(24 * time.Hour)
					}
					keepUntil(end.Add(-time.Millisecond))
					if b.read(m).User != "alice" {
						t.Errorf("ended before %v", end.Sub(start))
					}
					time.Sleep(time.Millisecond)
					if b.read(m).User != "" {
						t.Errorf("lives at %v", end.Sub(start))
					}
				})
			})
		}
	}
}
