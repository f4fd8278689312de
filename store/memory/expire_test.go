package memory_test

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// sessions is how many sessions the tests and benchmarks of memory use hold:
//
//	go test -run Heap -v -args -sessions 1000000
var sessions = flag.Int("sessions", 50_000, "sessions held by the tests and benchmarks of memory use")

// heap returns the bytes in live objects.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestHeapPerSession(t *testing.T) {
	for name, most := range map[string]int64{"anonymous": 380, "of a subject each": 540} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := int64(*sessions)
				before := heap()
				st := memory.New()
				for range n {
					rec := newRecord(time.Hour)
					if name != "anonymous" {
						rec.Subject = rec.ID.String()
					}
					create(t, st, rec)
				}
				held := (heap() - before) / n
				time.Sleep(time.Hour)
				st.DeleteExpired()
				left := (heap() - before) / n
				t.Logf("%d sessions of 200 B: %d B of heap each, %d B left when all have expired", n, held, left)
				if held > most {
					t.Errorf("%d B for a session, want at most %d", held, most)
				}
				if left > 40 {
					t.Errorf("%d B left for each expired session, want at most 40", left)
				}
				runtime.KeepAlive(st)
			})
		})
	}
}

// DeleteExpired is not called: what Creates remove must be enough.
func TestChurnHoldsLittleMoreThanLiveSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const live, lives = 10_000, 10
		st := memory.New()
		most := 0
		for i := range live * lives {
			create(t, st, newLogin(fmt.Sprint("user ", i)))
			time.Sleep(time.Hour / live)
			if i > 3*live && i%1000 == 0 {
				most = max(most, st.Entries(), st.IndexEntries())
			}
		}
		t.Logf("at most %d entries for %d live sessions", most, live)
		if most > live*5/4 {
			t.Errorf("held %d entries for %d live sessions, want at most a quarter more", most, live)
		}
	})
}

func TestTombstonesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perLife = 10_000
		st := memory.New()
		most := 0
		for i := range perLife * 10 {
			if err := st.Delete(t.Context(), create(t, st, newRecord(time.Hour))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(store.TombstoneLife / perLife)
			if i%1000 == 0 {
				most = max(most, st.Entries())
			}
		}
		if got := st.Sessions(); got != 0 {
			t.Errorf("%d sessions counted, want 0", got)
		}
		if most > perLife*5/4 {
			t.Errorf("held %d entries for %d sessions deleted in TombstoneLife, want at most a quarter more", most, perLife)
		}
	})
}

func TestDeleteExpiredRemovesTheExpiredOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var kept []store.ID
		for range 1000 {
			create(t, st, newRecord(time.Minute))
			kept = append(kept, create(t, st, newRecord(time.Hour)))
		}
		time.Sleep(time.Minute - time.Millisecond)
		st.DeleteExpired()
		if got := st.Entries(); got != 2000 {
			t.Errorf("%d entries after DeleteExpired before any expires, want 2000", got)
		}
		time.Sleep(time.Millisecond)
		st.DeleteExpired()
		if got := st.Entries(); got != len(kept) {
			t.Errorf("%d entries after DeleteExpired, want %d", got, len(kept))
		}
		for _, id := range kept {
			if !isLive(t, st, id) {
				t.Fatalf("a live session was removed: %s", id)
			}
		}
	})
}

// Rebuilding a map takes time proportional to its entries, so it must be rare.
func TestMapsAreRebuiltWhenFewEntriesAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		for range 32_000 {
			create(t, st, newRecord(time.Minute))
			create(t, st, newRecord(time.Hour))
		}
		for range 6_400 {
			create(t, st, newRecord(2*time.Hour))
		}
		most := st.Entries()
		for _, test := range []struct {
			wait      time.Duration
			highWater int
		}{
			{time.Minute, most},
			{time.Hour, 6_400},
			{time.Second, 6_400}, // nothing has expired since
		} {
			time.Sleep(test.wait)
			st.DeleteExpired()
			if got := st.HighWater(); got != test.highWater {
				t.Errorf("after %v more: room for %d entries is kept, want %d", test.wait, got, test.highWater)
			}
		}
		if got := st.Entries(); got != 6_400 {
			t.Errorf("%d entries are left, want 6400", got)
		}
	})
}

// Between the batches of DeleteExpired, other goroutines remove and add entries
// and rebuild the map. It must neither remove a live session nor miss an expired
// one. All sessions are in one shard, so that there are several batches.
func TestDeleteExpiredDuringUse(t *testing.T) {
	inFirstShard := func(life time.Duration) store.Record {
		rec := newRecord(life)
		rec.ID[0] = 0
		return rec
	}
	for range 5 {
		st := memory.New()
		brief := 5 * time.Millisecond
		for range 20_000 {
			create(t, st, inFirstShard(brief))
		}
		time.Sleep(brief)
		var kept []store.ID
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(st.DeleteExpired)
		}
		wg.Go(func() {
			for range 5000 {
				kept = append(kept, create(t, st, inFirstShard(time.Hour)))
			}
		})
		wg.Wait()
		if got := st.Entries(); got != len(kept) {
			t.Errorf("%d entries, want %d", got, len(kept))
		}
		if got := st.Sessions(); got != len(kept) {
			t.Errorf("%d sessions counted, want %d", got, len(kept))
		}
		for _, id := range kept {
			if !isLive(t, st, id) {
				t.Fatalf("a live session was removed: %s", id)
			}
		}
	}
}
