package rueidis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestRights takes from a user each right that the documentation calls
// necessary: Open must notice, and say what is needed.
func TestRights(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		servers := []*redistest.Server{s}
		url := asShop("redis://" + s.Addr)
		for _, kind := range []struct {
			name   string
			rights []string
			opts   rueidis.Options
		}{
			{"uncached", leastRights, rueidis.Options{}},
			{"cached", cachedRights, rueidis.Options{ClientCacheTTL: time.Second}},
			{"database 3", databaseRights, rueidis.Options{}},
		} {
			url := url
			if kind.name == "database 3" {
				url += "/3"
			}
			allow(servers, kind.rights)
			open(t, url, kind.opts)
			for i, right := range kind.rights {
				t.Run(kind.name+" without "+right, func(t *testing.T) {
					allow(servers, slices.Delete(slices.Clone(kind.rights), i, i+1))
					err := wantOpenError(t, url, kind.opts, "secret")
					if want := strings.TrimPrefix(right, "+"); !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not name %q", err, want)
					}
				})
			}
		}
	})
}

// TestNothingIsRefused lets a user with the least rights be idle for longer than
// the client stays silent: a server logs each command that it refuses.
func TestNothingIsRefused(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		allow([]*redistest.Server{s}, leastRights)
		open(t, asShop("redis://"+s.Addr), rueidis.Options{})
		s.Wait(func(stats string) bool { return strings.Contains(stats, "cmdstat_ping:calls=") }, "INFO", "commandstats")
		s.MustDo("ACL", "LOG", "RESET")
		s.MustDo("CONFIG", "RESETSTAT")
		// The client's own, after a silent second.
		s.Wait(func(stats string) bool {
			_, pings, _ := strings.Cut(stats, "cmdstat_ping:calls=")
			calls, _, _ := strings.Cut(pings, ",")
			return calls >= "2"
		}, "INFO", "commandstats")
		if log := s.MustDo("ACL", "LOG"); log != "" {
			t.Errorf("the server has refused commands: %s", log)
		}
	})
}
