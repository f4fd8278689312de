package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/typedsession/typedsession/session"
)

// pause lets other goroutines run between two steps that should be one. In a
// bubble it does so every time.
func pause() { time.Sleep(time.Millisecond) }

var concurrencyMistakes = []mistake{
	{"Load by way of shared memory", "goroutines with a record each", nil, breaking(func(m *model, st *hooks) {
		var mu sync.Mutex
		var shared session.Record
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			rec, err := m.Load(ctx, ref)
			mu.Lock()
			shared = rec
			mu.Unlock()
			pause()
			mu.Lock()
			defer mu.Unlock()
			return shared, err
		}
	})},
	{"Update compares, then writes", "concurrent updates lose nothing", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			current, err := m.Load(ctx, ref)
			if err == nil && current.Rev == base {
				pause()
				m.inside(ref, func(h *held) { base = h.rec.Rev })
			}
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"Update writes one field after the other", "concurrent updates lose nothing", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			half := rec
			old, err := m.Load(ctx, ref)
			if err == nil && old.Rev == base {
				half.Payload = old.Payload
			}
			newRef, err := m.Update(ctx, ref, base, half)
			pause()
			m.inside(ref, func(h *held) {
				if h != nil && h.rec.Rev == rec.Rev {
					h.rec.Payload = copied(rec).Payload
				}
			})
			return newRef, err
		}
	})},
	{"Create looks, then writes", "concurrent creates of one ID", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			var unused bool
			m.inside(rec.ID.String(), func(h *held) { unused = h == nil })
			if unused {
				pause()
				m.mu.Lock()
				delete(m.held, rec.ID.String())
				m.mu.Unlock()
			}
			return m.Create(ctx, rec)
		}
	})},
	{"Update looks for the record, then writes", "delete during updates", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			current, err := m.Load(ctx, ref)
			if err == nil && current.Rev == base {
				pause()
				m.inside(ref, func(h *held) { h.deleted = h.deleted && h.rec.Rev != base })
			}
			return m.Update(ctx, ref, base, rec)
		}
	})},
}
