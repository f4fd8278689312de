package rueidis_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestCacheStaleness measures how long a process goes on seeing what another
// one has changed or deleted, where the network is well: far shorter than the
// option's value, which is the bound.
func TestCacheStaleness(t *testing.T) {
	const (
		rounds = 300
		delay  = 10 * time.Second
		bound  = 2 * time.Second // 5 ms on an idle machine
	)
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: delay})
		var took []time.Duration
		stale := 0
		for range rounds {
			rec := newRecord()
			err := other.Create(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := st.Load(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
			if err := other.Delete(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for first := true; ; first = false {
				_, err := st.Load(t.Context(), rec.ID)
				if errors.Is(err, store.ErrNotFound) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if first {
					stale++
				}
				if time.Since(began) > bound {
					t.Fatalf("a session that was ended elsewhere can still be loaded after %v", bound)
				}
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		t.Logf("%d of %d sessions that another process had deleted could be loaded once more; gone after %v (median), %v (99th percentile), %v (longest)",
			stale, rounds, took[rounds/2], took[rounds*99/100], took[rounds-1])
	})
}

// TestCacheBehindSilence takes away the network without a word. The session,
// which another process then ends, can be loaded for as long as the option
// says, and no longer; after that the store does not know, and says so.
func TestCacheBehindSilence(t *testing.T) {
	const delay = time.Second
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		proxy := redistest.NewProxy(t, s.Addr)
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		st := open(t, "redis://"+proxy.Addr, rueidis.Options{ClientCacheTTL: delay, Timeout: 200 * time.Millisecond})
		rec := newRecord()
		err := other.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Load(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		proxy.Silence(true)
		if err := other.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		deleted := time.Now()
		hits := 0
		var last time.Duration
		for {
			_, err := st.Load(t.Context(), rec.ID)
			at := time.Since(deleted)
			if err == nil {
				hits, last = hits+1, at
			} else if isContract(err) {
				t.Fatalf("%v after the network went silent: %v", at, err)
			}
			// A hit that began in time may be noted late on a busy machine, so
			// what counts is that there are none any more well after it.
			if at > delay+time.Second {
				break
			}
			if err == nil && at > delay+500*time.Millisecond {
				t.Fatalf("a session that was ended elsewhere could be loaded after %v", at)
			}
		}
		t.Logf("loaded %d times from the cache, the last %v after it was deleted elsewhere; the option is %v", hits, last, delay)

		proxy.Silence(false)
		healed := time.Now()
		for {
			_, err := st.Load(t.Context(), rec.ID)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			if err == nil {
				t.Fatal("the session is back")
			}
			if time.Since(healed) > 20*time.Second {
				t.Fatalf("20 s after the network is back: %v", err)
			}
		}
		t.Logf("answered again %d ms after the network was back", time.Since(healed).Milliseconds())
	})
}
