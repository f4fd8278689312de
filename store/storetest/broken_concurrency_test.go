package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// pause lets other goroutines run between two steps that should be one. In a
// bubble it does so every time.
func pause() { time.Sleep(time.Millisecond) }

var concurrencyMistakes = []mistake{
	{"Load through shared memory", "goroutines with a record each", nil, breaking(func(m *model, st *brokenStore) {
		var mu sync.Mutex
		var shared store.Record
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			mu.Lock()
			shared = rec
			mu.Unlock()
			pause()
			mu.Lock()
			defer mu.Unlock()
			return shared, err
		}
	})},
	{"Update compares, then writes", "concurrent updates lose nothing", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			current, err := m.Load(ctx, rec.ID)
			if err == nil && current.Rev == base {
				pause()
				m.inside(rec.ID, func(k *kept) { base = k.rec.Rev })
			}
			return m.Update(ctx, base, rec)
		}
	})},
	{"Update writes one field after the other", "concurrent updates lose nothing", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			half := rec
			old, err := m.Load(ctx, rec.ID)
			if err == nil && old.Rev == base {
				half.Payload = old.Payload
			}
			err = m.Update(ctx, base, half)
			pause()
			m.inside(rec.ID, func(k *kept) {
				if k != nil && k.rec.Rev == rec.Rev {
					k.rec.Payload = clone(rec).Payload
				}
			})
			return err
		}
	})},
	{"Create looks, then writes", "concurrent creates of one ID", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			var unused bool
			m.inside(rec.ID, func(k *kept) { unused = k == nil })
			if unused {
				pause()
				m.mu.Lock()
				delete(m.kept, rec.ID)
				m.mu.Unlock()
			}
			return m.Create(ctx, rec)
		}
	})},
	{
		"Update looks for the record, then writes", "delete during updates",
		[]string{"revocation: during updates"},
		breaking(func(m *model, st *brokenStore) {
			st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				current, err := m.Load(ctx, rec.ID)
				if err == nil && current.Rev == base {
					pause()
					m.inside(rec.ID, func(k *kept) {
						if k.isDeleted() {
							*k = kept{rec: current, gone: current.Expires}
						}
					})
				}
				return m.Update(ctx, base, rec)
			}
		}),
	},
}

// flightMistakes are broken by several goroutines that use one subject.
var flightMistakes = []mistake{
	{"an update takes a session out of the index for a moment", "list: during logins and logouts", nil, breaking(func(m *model, st *brokenStore) {
		var unindexed sync.Map
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			unindexed.Store(rec.ID, true)
			pause()
			defer unindexed.Delete(rec.ID)
			return m.Update(ctx, base, rec)
		}
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			recs, err := m.ListSessions(ctx, subject)
			return slices.DeleteFunc(recs, func(rec store.Record) bool {
				_, ok := unindexed.Load(rec.ID)
				return ok
			}), err
		}
	})},
	{"Create looks for a revocation, then writes", "revocation: creates of logins in flight", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			m.mu.Lock()
			refused := m.refuses(rec)
			m.mu.Unlock()
			if !refused {
				pause()
				rec.LoginSince = time.Time{}
			}
			return m.Create(ctx, rec)
		}
	})},
	{"Update looks for a revocation, then writes", "revocation: updates that are logins in flight", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			m.mu.Lock()
			refused := m.refuses(rec)
			m.mu.Unlock()
			if !refused {
				pause()
				rec.LoginSince = time.Time{}
			}
			return m.Update(ctx, base, rec)
		}
	})},
	{
		"RevokeSubject gives up on a record that changes", "revocation: during updates", nil,
		breaking(func(m *model, st *brokenStore) {
			st.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
				recs, _ := m.ListSessions(ctx, subject)
				ids, err := m.RevokeSubject(ctx, subject, before, append(except, recordIDs(recs)...)...)
				for _, rec := range recs {
					if slices.Contains(except, rec.ID) {
						continue
					}
					pause()
					m.inside(rec.ID, func(k *kept) {
						if k.isLive() && k.rec.Rev == rec.Rev {
							m.leaveTombstone(rec.ID)
							ids = append(ids, rec.ID)
						}
					})
				}
				return ids, err
			}
		}),
	},
	{"of two RevokeSubjects at once one fails", "revocation: two at once", nil, breaking(func(m *model, st *brokenStore) {
		var busy sync.Mutex
		st.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
			if !busy.TryLock() {
				return nil, errors.New("busy")
			}
			defer busy.Unlock()
			pause()
			return m.RevokeSubject(ctx, subject, before, except...)
		}
	})},
}
