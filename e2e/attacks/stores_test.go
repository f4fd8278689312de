package attacks_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/rueidis"
)

// redis returns a store on a Redis of its own.
func redis(t *testing.T) (*redistest.Server, *rueidis.Store) {
	t.Helper()
	server := redistest.Start(t)
	st, err := rueidis.Open(t.Context(), "redis://"+server.Addr, rueidis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, st
}

// eachHolding runs a test on every store that holds records.
func eachHolding(t *testing.T, test func(t *testing.T, st store.Store)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, memory.New()) })
	t.Run("redis", func(t *testing.T) {
		_, st := redis(t)
		test(t, st)
	})
}

// eachStore runs it on the cookie store too.
func eachStore(t *testing.T, test func(t *testing.T, st store.Store)) {
	t.Helper()
	eachHolding(t, test)
	t.Run("cookie", func(t *testing.T) { test(t, cookie.New()) })
}

// counting counts what reaches a store.
type counting struct {
	store.Store
	calls *atomic.Int64
}

// count returns a store that counts its calls, client-held where the one behind
// it is.
func count(st store.Store) (store.Store, *atomic.Int64) {
	c := counting{st, new(atomic.Int64)}
	if _, ok := st.(store.ClientHeld); ok {
		return countingHeld{c}, c.calls
	}
	return c, c.calls
}

func (c counting) Create(ctx context.Context, rec store.Record) error {
	c.calls.Add(1)
	return c.Store.Create(ctx, rec)
}

func (c counting) Load(ctx context.Context, id store.ID) (store.Record, error) {
	c.calls.Add(1)
	return c.Store.Load(ctx, id)
}

func (c counting) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	c.calls.Add(1)
	return c.Store.Update(ctx, base, rec)
}

func (c counting) Delete(ctx context.Context, id store.ID) error {
	c.calls.Add(1)
	return c.Store.Delete(ctx, id)
}

type countingHeld struct{ counting }

func (c countingHeld) Encode(rec store.Record) (string, error) {
	c.calls.Add(1)
	return c.Store.(store.ClientHeld).Encode(rec)
}

func (c countingHeld) Decode(text string) (store.Record, error) {
	c.calls.Add(1)
	return c.Store.(store.ClientHeld).Decode(text)
}
