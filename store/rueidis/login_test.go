package rueidis_test

import (
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestCachedLogin logs in at one process and asks another, which has the
// visitor's session from before the login in its cache: it must not take him for
// a stranger.
func TestCachedLogin(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		key := session.NewKey()
		var managers [2]*session.Manager[owned]
		for i := range managers {
			st := open(t, "redis://"+s.Addr, rueidis.Options{MaxRevocationDelay: time.Minute})
			managers[i] = newOwnedManager(t, st, func(c *session.Config[owned]) { c.Keys = []session.Key{key} })
		}
		strangers := 0
		for range 100 {
			cookie := loginWith(managers[0], "", "somebody")
			whose(managers[1], cookie) // now it is in the cache
			whose(managers[1], cookie)
			cookie = loginWith(managers[0], cookie, "alice")
			if user, _ := whose(managers[1], cookie); user != "alice" {
				strangers++
			}
		}
		if strangers > 0 {
			t.Errorf("%d of 100 who had logged in were taken for strangers", strangers)
		}
	})
}
