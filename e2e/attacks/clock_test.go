package attacks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// TestAbsoluteTimeout: whatever a thief does to keep a session alive, it ends a
// day after its last login: by using it, by renewing it, by logging out in it,
// by having it sealed under new keys, and by presenting older cookies again.
func TestAbsoluteTimeout(t *testing.T) {
	stores := map[string]func() store.Store{
		"memory": func() store.Store { return memory.New() },
		"cookie": func() store.Store { return cookie.New() },
	}
	keepAlive := map[string]string{
		"using it":      "/read",
		"changing it":   "/count",
		"renewing it":   "/renew",
		"logging in":    "/login?user=mallory",
		"logging out":   "/leave",
		"staying quiet": "",
	}
	for st, open := range stores {
		for what, path := range keepAlive {
			t.Run(st+": "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					keys := []session.Key{session.NewKey()}
					shared, revoker := open(), new(memory.Revoker)
					with := func(c *config) {
						c.Keys = keys
						c.IdleTimeout, c.AbsoluteTimeout = 30*time.Minute, 24*time.Hour
						if st == "cookie" {
							c.Revoker = revoker // without one, only changes extend a session
						}
					}
					b := newSiteInBubble(t, shared, with).login(t, "alice")
					b.get(t, "/note?text=old")
					all := []string{b.token()}
					for quarter := range 4*24 - 1 {
						time.Sleep(15 * time.Minute)
						if quarter%16 == 0 && path != "" {
							// A rotation seals the token anew.
							keys = append([]session.Key{session.NewKey()}, keys...)
							b.site = newSiteInBubble(t, shared, with)
						}
						if path != "" {
							b.get(t, path)
							all = append(all, b.token())
						}
					}
					if path != "" {
						if got := b.get(t, "/read").state(t); path != "/leave" && got.Note != "old" {
							t.Errorf("a quarter before the end: %+v", got)
						}
					}
					time.Sleep(15 * time.Minute)
					if what == "logging in" {
						// The login was a quarter after the beginning, and the
						// timeout counts from then.
						if got := b.get(t, "/read").state(t); got.Note != "old" {
							t.Errorf("a quarter before the end of the login: %+v", got)
						}
						time.Sleep(15 * time.Minute)
					}
					for i, token := range all {
						if got := b.ask(t, "/read", cookieName+"="+token).state(t); got != (state{}) {
							t.Errorf("cookie %d of %d opens %+v", i, len(all), got)
						}
					}
				})
			})
		}
	}
}

// TestClientsClock: what a client says of the time is not heard, and what its
// cookie said when it was set, Max-Age, is not what ends a session.
func TestClientsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSiteInBubble(t, memory.New(), func(c *config) { c.Cookie.Persistent = true })
		b := s.login(t, "alice")
		time.Sleep(time.Hour)
		answer := s.do(t, "/read", map[string][]string{
			"Cookie":            {cookieName + "=" + b.token() + "; Max-Age=999999; Expires=Fri, 31 Dec 9999 23:59:59 GMT"},
			"Date":              {time.Now().Add(-time.Hour).Format(time.RFC1123)},
			"If-Modified-Since": {time.Now().Add(-time.Hour).Format(time.RFC1123)},
		})
		if got := answer.state(t); got != (state{}) {
			t.Errorf("expired, and opens %+v", got)
		}
	})
}

// TestRecordsFromTheFuture: only who has the key makes a client-held record that
// began later than now, or the clock of another server does. It ends as it says,
// so the clocks of a site's servers must agree; the Expires beside it lengthens
// nothing, and times that no clock shows do not open.
func TestRecordsFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := session.NewKey()
		s := newSiteInBubble(t, cookie.New(), func(c *config) { c.Keys = []session.Key{key} })
		alice := encoded(t, state{User: "alice"})
		now := time.Now()
		far := now.Add(10_000 * time.Hour)
		tests := []struct {
			name              string
			created, extended time.Time
			expires           time.Time
			lives             time.Duration // 0: it does not open at all
		}{
			{"now", now, now, far, time.Hour},
			{"with an earlier end", now, now, now.Add(time.Minute), time.Minute},
			{"begun an hour ahead", now.Add(time.Hour), now.Add(time.Hour), far, 2 * time.Hour},
			{"extended into the future", now, now.Add(9000 * time.Hour), far, 24 * time.Hour},
			{"begun before 1970", time.UnixMilli(-1), now, far, 0},
			{"begun long ago", now.Add(-24 * time.Hour), now, far, 0},
			{"extended before it began", now, now.Add(-time.Hour), far, 0},
			{"begun after the year 9999", time.UnixMilli(253402300800000), time.UnixMilli(253402300800000), far, 0},
		}
		tokens := make([]string, len(tests))
		for i, test := range tests {
			tokens[i] = forgedToken(t, key, forgedPayload(test.created, test.extended, nil, alice), test.expires)
		}
		opens := func(i int) bool {
			return s.ask(t, "/read", cookieName+"="+tokens[i]).state(t).User == "alice"
		}
		for _, after := range []time.Duration{0, time.Minute, time.Hour, 2 * time.Hour, 24 * time.Hour} {
			for i, test := range tests {
				if after > 0 {
					time.Sleep(time.Until(now.Add(after - time.Millisecond)))
					if got, want := opens(i), after <= test.lives; got != want {
						t.Errorf("%s: a tick before %v it opens: %v, want %v", test.name, after, got, want)
					}
				}
			}
			time.Sleep(time.Until(now.Add(after)))
			for i, test := range tests {
				if got, want := opens(i), after < test.lives; got != want {
					t.Errorf("%s: after %v it opens: %v, want %v", test.name, after, got, want)
				}
			}
		}
	})
}

// TestOperatorMovesTheTimes: who writes to the store lets a session live on, if
// its payload is not sealed. The expiry beside the payload is not believed.
func TestOperatorMovesTheTimes(t *testing.T) {
	for _, seal := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			st := memory.New()
			s := newSiteInBubble(t, st, func(c *config) { c.SealRecords = seal })
			believing, moved := s.login(t, "alice"), s.login(t, "alice")
			far := time.Now().Add(1000 * time.Hour)
			overwrite(t, s, st, believing, func(rec *store.Record) { rec.Expires = far.Add(time.Hour) })
			overwrite(t, s, st, moved, func(rec *store.Record) {
				rec.Expires = far.Add(time.Hour)
				if !seal {
					hash := []byte(hash(t, string(rec.Payload)))
					rec.Payload = forgedPayload(far, far, hash, encoded(t, state{User: "alice"}))
				}
			})
			time.Sleep(999 * time.Hour)
			if got := believing.get(t, "/read").state(t); got != (state{}) {
				t.Errorf("SealRecords %v: an expiry changed in the store is believed: %+v", seal, got)
			}
			if got := moved.get(t, "/read").state(t); (got.User == "alice") == seal {
				t.Errorf("SealRecords %v: times changed in the store: %+v; if this has changed, say so in the documentation", seal, got)
			}
		})
	}
}
