package rueidis_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestCacheHits makes sure that cached loads are not seen by the server.
func TestCacheHits(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: time.Minute})
		rec := newRecord()
		err := other.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Load(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		if commands := s.Monitor(func() {
			for range 1000 {
				if _, err := st.Load(t.Context(), rec.ID); err != nil {
					t.Fatal(err)
				}
			}
		}); len(commands) != 0 {
			t.Errorf("1000 cached loads sent %d commands: %.200q", len(commands), commands)
		}
		if commands := s.Monitor(func() {
			if _, err := st.LoadUncached(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
		}); len(commands) != 1 || !strings.HasPrefix(commands[0], `"GET"`) {
			t.Errorf("LoadUncached sent %q, want one GET", commands)
		}
	})
}

// TestCacheReadsOwnWrites updates and deletes cached sessions, and loads each at
// once. The client's own cache would be out of date in some percent of cases.
func TestCacheReadsOwnWrites(t *testing.T) {
	const rounds = 1000
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: time.Minute})
		for range rounds {
			rec := newRecord()
			// Created elsewhere, so that the first load is cached.
			err := other.Create(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := st.Load(t.Context(), rec.ID); err != nil {
					t.Fatal(err)
				}
			}
			if rec.ID[0]%2 == 0 {
				later := next(rec)
				if err := st.Update(t.Context(), rec.Rev, later); err != nil {
					t.Fatal(err)
				}
				if got, err := st.Load(t.Context(), rec.ID); err != nil || got.Rev != later.Rev {
					t.Fatalf("Load after Update: revision %x, want %x, error %v", got.Rev, later.Rev, err)
				}
				continue
			}
			if err := st.Delete(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("Load after Delete: %v, want ErrNotFound", err)
			}
		}
	})
}

// TestCacheAbsence makes sure that a session is found as soon as it is there,
// although it was looked for before.
func TestCacheAbsence(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: time.Minute})
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		for i := range 400 {
			rec := newRecord()
			if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("Load before Create: %v", err)
			}
			err := []*rueidis.Store{st, other}[i%2].Create(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := st.Load(t.Context(), rec.ID); err != nil {
				t.Fatalf("Load after Create: %v", err)
			}
		}
	})
}

// TestCacheUnderCuts loads through a client of the application's, which repeats
// cached reads by itself, while every connection is cut again and again. It is
// for the race detector: see persist.
func TestCacheUnderCuts(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		proxy := redistest.NewProxy(t, s.Addr)
		// So short a delay that most loads ask the server.
		st := newStore(t, client.ClientOption{InitAddress: []string{proxy.Addr}}, rueidis.Options{ClientCacheTTL: time.Millisecond})
		direct := open(t, "redis://"+s.Addr, rueidis.Options{})
		ids := make([]store.ID, 20)
		for i := range ids {
			rec := newRecord()
			ids[i] = rec.ID
			if err := direct.Create(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
		}
		stop := proxy.CutEvery(5 * time.Millisecond)
		var loaded, failed atomic.Int64
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for began := time.Now(); time.Since(began) < time.Second; i++ {
					switch _, err := st.Load(t.Context(), ids[i%len(ids)]); {
					case err == nil:
						loaded.Add(1)
					case isContract(err):
						t.Errorf("Load: %v", err)
					default:
						failed.Add(1)
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d loads, %d without an answer, %d connections cut", loaded.Load(), failed.Load(), stop())
	})
}

// TestCacheExpiry makes sure that a cached record is not returned at or after
// its expiry.
func TestCacheExpiry(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: time.Minute})
		rec := newRecord()
		rec.Expires = time.UnixMilli(time.Now().Add(300 * time.Millisecond).UnixMilli())
		err := other.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		for {
			began := time.Now()
			_, err := st.Load(t.Context(), rec.ID)
			if err == nil && !began.Before(rec.Expires) {
				t.Fatalf("loaded %v after its expiry", began.Sub(rec.Expires))
			}
			if errors.Is(err, store.ErrNotFound) {
				if time.Now().Before(rec.Expires) {
					t.Fatal("not found before its expiry")
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
