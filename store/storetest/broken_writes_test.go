package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/typedsession/typedsession/session"
)

var createMistakes = []mistake{
	{"refs of the store's own", "the ref is the ID", nil, breaking(func(m *model, st *hooks) {
		id := func(ref string) string { return strings.TrimPrefix(ref, "session:") }
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			ref, err := m.Create(ctx, rec)
			return "session:" + ref, err
		}
		st.load = func(ctx context.Context, ref string) (session.Record, error) { return m.Load(ctx, id(ref)) }
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			ref, err := m.Update(ctx, id(ref), base, rec)
			return "session:" + ref, err
		}
		st.delete = func(ctx context.Context, ref string) error { return m.Delete(ctx, id(ref)) }
	})},
	{
		"Create replaces", "create of an ID in use",
		[]string{"create repeated after an update", "concurrent creates of one ID"},
		breaking(func(m *model, st *hooks) {
			st.create = func(ctx context.Context, rec session.Record) (string, error) {
				ref, err := m.Create(ctx, rec)
				m.inside(rec.ID.String(), func(h *held) {
					if err != nil && !h.deleted {
						h.rec, ref, err = copied(rec), rec.ID.String(), nil
					}
				})
				return ref, err
			}
		}),
	},
	{"Create does not know its own write", "create repeated", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (ref string, err error) {
			m.inside(rec.ID.String(), func(h *held) {
				if h != nil {
					err = session.ErrExists
				}
			})
			if err != nil {
				return "", err
			}
			return m.Create(ctx, rec)
		}
	})},
	{"Create knows the revision created, not the current one", "create repeated after an update", nil, breaking(func(m *model, st *hooks) {
		var created sync.Map
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			ref, err := m.Create(ctx, rec)
			if err == nil {
				created.Store(ref, rec.Rev)
			} else if rev, ok := created.Load(rec.ID.String()); ok && rev == rec.Rev {
				m.inside(rec.ID.String(), func(h *held) {
					if !h.deleted {
						ref, err = rec.ID.String(), nil
					}
				})
			}
			return ref, err
		}
	})},
	{"an ID of 120 bits", "records under similar IDs", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			var similar bool
			m.mu.Lock()
			for ref := range m.held {
				similar = similar || ref != rec.ID.String() && ref[:30] == rec.ID.String()[:30]
			}
			m.mu.Unlock()
			if similar {
				return "", session.ErrExists
			}
			return m.Create(ctx, rec)
		}
	})},
}

var updateMistakes = []mistake{
	{
		"a conflict returns the record before the current one", "update of an older revision",
		[]string{"update repeated after another one", "concurrent updates lose nothing"},
		breaking(func(m *model, st *hooks) {
			var before sync.Map
			st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
				was, _ := m.Load(ctx, ref)
				newRef, err := m.Update(ctx, ref, base, rec)
				if err == nil && was.Rev != rec.Rev {
					before.Store(ref, was)
				}
				var conflict *session.ConflictError
				if old, ok := before.Load(ref); ok && errors.As(err, &conflict) {
					conflict.Current = copied(old.(session.Record))
				}
				return newRef, err
			}
		}),
	},
	{
		"ErrConflict without the record", "update of an older revision",
		[]string{
			"update repeated after another one", "update of the record that a conflict returned",
			"the payload got from a conflict is changed", "concurrent updates lose nothing",
		},
		breaking(func(m *model, st *hooks) {
			st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
				newRef, err := m.Update(ctx, ref, base, rec)
				if errors.Is(err, session.ErrConflict) {
					return "", session.ErrConflict
				}
				return newRef, err
			}
		}),
	},
	{"revisions compared as floating-point numbers", "update of a revision that differs in one bit", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			m.inside(ref, func(h *held) {
				if h != nil && float64(h.rec.Rev) == float64(base) {
					base = h.rec.Rev
				}
			})
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"an update refused after a conflict", "update of the record that a conflict returned", nil, breaking(func(m *model, st *hooks) {
		var refused, updated sync.Map
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			if _, ok := refused.LoadAndDelete(ref); ok {
				base = ^base
			}
			newRef, err := m.Update(ctx, ref, base, rec)
			if err == nil {
				updated.Store(ref, true)
			} else if _, ok := updated.Load(ref); !ok {
				refused.Store(ref, true)
			}
			return newRef, err
		}
	})},
	{"Update does not know its own write", "update repeated", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			current, err := m.Load(ctx, ref)
			if err == nil && current.Rev == rec.Rev {
				return "", &session.ConflictError{Current: current}
			}
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"Update knows every revision that ever was", "update repeated after another one", nil, breaking(func(m *model, st *hooks) {
		var applied sync.Map
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			newRef, err := m.Update(ctx, ref, base, rec)
			if err == nil {
				applied.Store(rec.Rev, true)
			} else if _, ok := applied.Load(rec.Rev); ok {
				return ref, nil
			}
			return newRef, err
		}
	})},
	{"an update of revision zero creates", "update of no record", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			newRef, err := m.Update(ctx, ref, base, rec)
			var known bool
			m.inside(ref, func(h *held) { known = h != nil })
			if err != nil && base == 0 && !known {
				return m.Create(ctx, rec)
			}
			return newRef, err
		}
	})},
}

var deleteMistakes = []mistake{
	{"Load from a cache that Delete does not empty", "load after delete", nil, breaking(func(m *model, st *hooks) {
		var cache sync.Map
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			rec, err := m.Load(ctx, ref)
			if err == nil {
				cache.Store(ref, rec)
			} else if old, ok := cache.Load(ref); ok {
				return copied(old.(session.Record)), nil
			}
			return rec, err
		}
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			cache.Delete(ref)
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"an update of revision zero revives", "update after delete", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			m.inside(ref, func(h *held) {
				if h != nil && h.deleted && base == 0 {
					h.deleted = false
				}
			})
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"Delete leaves nothing", "create after delete", []string{"create repeated after delete"}, breaking(func(m *model, st *hooks) {
		st.delete = func(ctx context.Context, ref string) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.held, ref)
			return nil
		}
	})},
	{"Delete leaves the last revision only", "create after delete", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			m.inside(rec.ID.String(), func(h *held) {
				if h != nil && h.deleted && h.rec.Rev != rec.Rev {
					*h = held{rec: copied(rec), gone: rec.Expires}
				}
			})
			return m.Create(ctx, rec)
		}
	})},
	{"Create finds its own write, deleted", "create repeated after delete", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			ref, err := m.Create(ctx, rec)
			m.inside(rec.ID.String(), func(h *held) {
				if h.rec.Rev == rec.Rev {
					ref, err = rec.ID.String(), nil
				}
			})
			return ref, err
		}
	})},
	{"Delete of what was deleted fails", "delete twice", nil, breaking(func(m *model, st *hooks) {
		st.delete = func(ctx context.Context, ref string) (err error) {
			m.inside(ref, func(h *held) {
				if h != nil && h.deleted {
					err = session.ErrNotFound
				}
			})
			return errors.Join(err, m.Delete(ctx, ref))
		}
	})},
	{"Delete of what never was fails", "delete of no record", []string{"delete of strange refs"}, breaking(func(m *model, st *hooks) {
		st.delete = func(ctx context.Context, ref string) (err error) {
			m.inside(ref, func(h *held) {
				if h == nil {
					err = session.ErrNotFound
				}
			})
			return errors.Join(err, m.Delete(ctx, ref))
		}
	})},
}

// errRef is what a store says to a ref of a form that it does not like.
var errRef = errors.New("malformed ref")

var refMistakes = []mistake{
	{"Load calls refs malformed", "load of strange refs", nil, breaking(func(m *model, st *hooks) {
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			if _, err := session.ParseID(ref); err != nil {
				return session.Record{}, errRef
			}
			return m.Load(ctx, ref)
		}
	})},
	{"Load in any case", "load of strange refs", nil, breaking(func(m *model, st *hooks) {
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			return m.Load(ctx, strings.ToLower(ref))
		}
	})},
	{"Update trims refs", "update of strange refs", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			return m.Update(ctx, strings.TrimSpace(ref), base, rec)
		}
	})},
	{"Delete takes patterns", "delete of strange refs", nil, breaking(func(m *model, st *hooks) {
		st.delete = func(ctx context.Context, ref string) error {
			m.mu.Lock()
			for other, h := range m.held {
				if prefix, ok := strings.CutSuffix(ref, "*"); ok && strings.HasPrefix(other, prefix) {
					h.deleted = true
				}
			}
			m.mu.Unlock()
			return m.Delete(ctx, ref)
		}
	})},
}
