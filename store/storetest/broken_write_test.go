package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

var createMistakes = []mistake{
	{
		"Create replaces", "create of an ID in use",
		[]string{"create repeated after an update", "concurrent creates of one ID"},
		breaking(func(m *model, st *brokenStore) {
			st.create = func(ctx context.Context, rec store.Record) error {
				err := m.Create(ctx, rec)
				m.inside(rec.ID, func(k *kept) {
					if errors.Is(err, store.ErrExists) && !k.isDeleted() {
						k.rec, err = clone(rec), nil
					}
				})
				return err
			}
		}),
	},
	{"Create does not recognise its own write", "create repeated", []string{"a payload of 64 KiB"}, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) (err error) {
			m.inside(rec.ID, func(k *kept) {
				if k.isLive() {
					err = store.ErrExists
				}
			})
			if err != nil {
				return err
			}
			return m.Create(ctx, rec)
		}
	})},
	{"Create recognises the revision created, not the stored one", "create repeated after an update", nil, breaking(func(m *model, st *brokenStore) {
		var created sync.Map
		st.create = func(ctx context.Context, rec store.Record) error {
			err := m.Create(ctx, rec)
			if err == nil {
				created.Store(rec.ID, rec.Rev)
			} else if rev, ok := created.Load(rec.ID); ok && rev == rec.Rev {
				m.inside(rec.ID, func(k *kept) {
					if k.isLive() {
						err = nil
					}
				})
			}
			return err
		}
	})},
	{"an ID of 120 bits", "records with similar IDs", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			var similar bool
			m.mu.Lock()
			for id := range m.kept {
				similar = similar || id != rec.ID && [15]byte(id[:15]) == [15]byte(rec.ID[:15])
			}
			m.mu.Unlock()
			if similar {
				return store.ErrExists
			}
			return m.Create(ctx, rec)
		}
	})},
}

var updateMistakes = []mistake{
	{
		"a conflict returns the record before the stored one", "update of an older revision",
		[]string{"update repeated after another one", "concurrent updates lose nothing", "list: after an update"},
		breaking(func(m *model, st *brokenStore) {
			var before sync.Map
			st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				was, _ := m.Load(ctx, rec.ID)
				err := m.Update(ctx, base, rec)
				if err == nil && was.Rev != rec.Rev {
					before.Store(rec.ID, was)
				}
				var conflict *store.ConflictError
				if old, ok := before.Load(rec.ID); ok && errors.As(err, &conflict) {
					conflict.Current = clone(old.(store.Record))
				}
				return err
			}
		}),
	},
	{
		"ErrConflict without the record", "update of an older revision",
		[]string{
			"update repeated after another one", "update of the record that a conflict returned",
			"the payload that a conflict returned", "concurrent updates lose nothing", "list: after an update",
		},
		breaking(func(m *model, st *brokenStore) {
			st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				err := m.Update(ctx, base, rec)
				if errors.Is(err, store.ErrConflict) {
					return store.ErrConflict
				}
				return err
			}
		}),
	},
	{"revisions compared as floating-point numbers", "update of a revision that differs in one bit", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			m.inside(rec.ID, func(k *kept) {
				if k != nil && float64(k.rec.Rev) == float64(base) {
					base = k.rec.Rev
				}
			})
			return m.Update(ctx, base, rec)
		}
	})},
	{
		"an update refused after a conflict", "update of the record that a conflict returned",
		[]string{"the payload that a conflict returned"},
		breaking(func(m *model, st *brokenStore) {
			var refused, updated sync.Map
			st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				if _, ok := refused.LoadAndDelete(rec.ID); ok {
					base = ^base
				}
				err := m.Update(ctx, base, rec)
				if err == nil {
					updated.Store(rec.ID, true)
				} else if _, ok := updated.Load(rec.ID); !ok {
					refused.Store(rec.ID, true)
				}
				return err
			}
		}),
	},
	{"Update does not recognise its own write", "update repeated", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			current, err := m.Load(ctx, rec.ID)
			if err == nil && current.Rev == rec.Rev {
				return &store.ConflictError{Current: current}
			}
			return m.Update(ctx, base, rec)
		}
	})},
	{"a repeated update brings its record back", "update repeated after another one", nil, breaking(func(m *model, st *brokenStore) {
		var applied sync.Map
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			err := m.Update(ctx, base, rec)
			if err == nil {
				applied.Store(rec.Rev, true)
			} else if _, ok := applied.Load(rec.Rev); ok && errors.Is(err, store.ErrConflict) {
				m.inside(rec.ID, func(k *kept) { k.rec, err = clone(rec), nil })
			}
			return err
		}
	})},
	{"an update creates", "update of no record", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			var known bool
			m.inside(rec.ID, func(k *kept) { known = k != nil })
			if !known {
				return m.Create(ctx, rec)
			}
			return m.Update(ctx, base, rec)
		}
	})},
}

var deleteMistakes = []mistake{
	{"no record taken for a deleted one", "load of no record", nil, breaking(func(m *model, st *brokenStore) {
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				var gone *store.DeletedError
				if !errors.As(err, &gone) {
					err = &store.DeletedError{At: time.Now()}
				}
			}
			return rec, err
		}
	})},
	{
		"Load from a cache that Delete does not empty", "load after delete",
		[]string{"revocation: tombstones"},
		breaking(func(m *model, st *brokenStore) {
			var cache sync.Map
			st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				rec, err := m.Load(ctx, id)
				if err == nil {
					cache.Store(id, rec)
				} else if old, ok := cache.Load(id); ok {
					return clone(old.(store.Record)), nil
				}
				return rec, err
			}
			st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				cache.Delete(rec.ID)
				return m.Update(ctx, base, rec)
			}
		}),
	},
}

// tombstoneMistakes break what Delete leaves.
var tombstoneMistakes = []mistake{
	{
		"DeletedError without the time", "load after delete",
		[]string{
			"update after delete", "create after delete", "create repeated after delete", "delete twice", "delete of no record",
			"delete of an expired record", "a tombstone outlasts the expiry of its record", "revocation: tombstones",
		},
		breaking(func(m *model, st *brokenStore) {
			st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				rec, err := m.Load(ctx, id)
				var gone *store.DeletedError
				if errors.As(err, &gone) {
					err = new(store.DeletedError)
				}
				return rec, err
			}
		}),
	},
	{
		"Update returns ErrNotFound for a deleted record", "update after delete",
		[]string{"delete of no record", "revocation: tombstones"},
		breaking(func(m *model, st *brokenStore) {
			st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
				err := m.Update(ctx, base, rec)
				if errors.Is(err, store.ErrNotFound) {
					return store.ErrNotFound
				}
				return err
			}
		}),
	},
	{"an update whose base is its own revision brings a deleted record back", "update after delete", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			m.inside(rec.ID, func(k *kept) {
				if k.isDeleted() && base == rec.Rev {
					*k = kept{rec: clone(rec), gone: rec.Expires}
				}
			})
			return m.Update(ctx, base, rec)
		}
	})},
	{"Create replaces a tombstone", "create after delete", []string{"revocation: tombstones"}, breaking(func(m *model, st *brokenStore) {
		var created sync.Map
		st.create = func(ctx context.Context, rec store.Record) error {
			first, again := created.LoadOrStore(rec.ID, rec.Rev)
			m.inside(rec.ID, func(k *kept) {
				if k.isDeleted() && again && first != rec.Rev {
					*k = kept{rec: clone(rec), gone: rec.Expires}
				}
			})
			return m.Create(ctx, rec)
		}
	})},
	{"Create recognises its own write, deleted", "create repeated after delete", []string{
		"delete of an expired record", "revocation: a login that is refused and repeated",
	}, breaking(func(m *model, st *brokenStore) {
		var created sync.Map
		st.create = func(ctx context.Context, rec store.Record) error {
			first, again := created.LoadOrStore(rec.ID, rec.Rev)
			err := m.Create(ctx, rec)
			m.inside(rec.ID, func(k *kept) {
				if k.isDeleted() && again && first == rec.Rev {
					err = nil
				}
			})
			return err
		}
	})},
	{"Delete of what was deleted fails", "delete twice", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) (err error) {
			m.inside(id, func(k *kept) {
				if k.isDeleted() {
					err = store.ErrNotFound
				}
			})
			return errors.Join(err, m.Delete(ctx, id))
		}
	})},
	{"Delete of no record fails", "delete of no record", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) (err error) {
			m.inside(id, func(k *kept) {
				if k == nil {
					err = store.ErrNotFound
				}
			})
			return errors.Join(err, m.Delete(ctx, id))
		}
	})},
	{"Delete of no record leaves nothing", "delete of no record", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) error {
			var known bool
			m.inside(id, func(k *kept) { known = k != nil })
			if !known {
				return nil
			}
			return m.Delete(ctx, id)
		}
	})},
	{"Delete of an expired record leaves nothing", "delete of an expired record", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) error {
			m.mu.Lock()
			k := m.kept[id]
			expired := k != nil && !k.isDeleted() && !k.isLive()
			if expired {
				delete(m.kept, id)
			}
			m.mu.Unlock()
			if expired {
				return nil
			}
			return m.Delete(ctx, id)
		}
	})},
	{"a tombstone that expires with its record", "a tombstone outlasts the expiry of its record", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) error {
			var gone time.Time
			m.inside(id, func(k *kept) {
				if k.isLive() {
					gone = k.gone
				}
			})
			if err := m.Delete(ctx, id); err != nil || gone.IsZero() {
				return err
			}
			time.AfterFunc(time.Until(gone)-time.Millisecond, func() {
				m.mu.Lock()
				defer m.mu.Unlock()
				delete(m.kept, id)
			})
			return nil
		}
	})},
}
