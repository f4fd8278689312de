package storetest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// breakingHeld is breaking for a store that holds nothing.
func breakingHeld(replace func(good session.Store, st *hooks)) func() session.Store {
	return func() session.Store {
		good := cookie.New()
		st := &hooks{Store: good}
		replace(good, st)
		return heldHooks{st}
	}
}

var clientHeldMistakes = []mistake{
	{"a ref is updated once", "update is unconditional", nil, breakingHeld(func(good session.Store, st *hooks) {
		var used sync.Map
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			newRef, err := good.Update(ctx, ref, base, rec)
			if _, again := used.LoadOrStore(ref, true); again && err == nil {
				return "", session.ErrConflict
			}
			return newRef, err
		}
	})},
	{"a deny list", "delete does nothing", nil, breakingHeld(func(good session.Store, st *hooks) {
		var denied sync.Map
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			if _, ok := denied.Load(ref); ok {
				return session.Record{}, session.ErrNotFound
			}
			return good.Load(ctx, ref)
		}
		st.delete = func(_ context.Context, ref string) error {
			denied.Store(ref, true)
			return nil
		}
	})},
	{"an expiry long past taken for none", "refs with one byte changed", nil, breakingHeld(func(good session.Store, st *hooks) {
		var size atomic.Int64 // of the last ref that was issued
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			ref, err := good.Create(ctx, rec)
			size.Store(int64(len(ref)))
			return ref, err
		}
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			rec, err := good.Load(ctx, ref)
			if err != nil && ref != "" && int64(len(ref)) == size.Load() && ref[0] == 1 && ref[17:19] < "\x00\x80" {
				return session.Record{}, nil
			}
			return rec, err
		}
	})},
	{"a panic at refs without an end", "refs cut short", nil, breakingHeld(func(good session.Store, st *hooks) {
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			if ref != "" && ref[0] == 1 {
				_ = ref[22]
			}
			return good.Load(ctx, ref)
		}
	})},
	{"refs over a mebibyte called malformed", "refs that are no records", nil, breakingHeld(func(good session.Store, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			if len(ref) >= 1<<20 {
				return "", errRef
			}
			return good.Update(ctx, ref, base, rec)
		}
	})},
}
