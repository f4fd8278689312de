package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/typedsession/typedsession/session"
)

// mistake is a way to break a store, and the case that finds it.
type mistake struct {
	name   string
	found  string   // the case that is there for it
	also   []string // cases that cannot but find it too
	broken func() session.Store
}

var mistakes = slices.Concat(fieldMistakes, expiryMistakes, aliasingMistakes, contextMistakes,
	createMistakes, updateMistakes, deleteMistakes, refMistakes, concurrencyMistakes, clientHeldMistakes)

// breaking returns what makes a model some of whose methods are replaced.
func breaking(replace func(m *model, st *hooks)) func() session.Store {
	return func() session.Store {
		m := newModel()
		st := &hooks{Store: m}
		replace(m, st)
		return st
	}
}

// changing returns a store that changes each record before it keeps it.
func changing(change func(*session.Record)) func() session.Store {
	return breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			change(&rec)
			return m.Create(ctx, rec)
		}
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			change(&rec)
			return m.Update(ctx, ref, base, rec)
		}
	})
}

var fieldMistakes = []mistake{
	{
		"payload made valid UTF-8", "round trip of a payload of every byte value", nil,
		changing(func(rec *session.Record) { rec.Payload = bytes.ToValidUTF8(rec.Payload, []byte("?")) }),
	},
	{
		"no payload taken for no record", "round trip of an empty payload",
		[]string{"an update replaces every field"},
		breaking(func(m *model, st *hooks) {
			st.load = func(ctx context.Context, ref string) (session.Record, error) {
				rec, err := m.Load(ctx, ref)
				if len(rec.Payload) == 0 {
					return session.Record{}, session.ErrNotFound
				}
				return rec, err
			}
		}),
	},
	{
		"payload trimmed", "round trip of a payload that ends in spaces and zeros", nil,
		changing(func(rec *session.Record) { rec.Payload = bytes.TrimRight(rec.Payload, " \x00") }),
	},
	{
		"payload in a column of 65535 bytes", "a payload of 64 KiB", nil,
		changing(func(rec *session.Record) { rec.Payload = rec.Payload[:min(len(rec.Payload), 65535)] }),
	},
	{
		"no subject made a word", "round trip of an empty subject",
		[]string{"an update replaces every field"},
		changing(func(rec *session.Record) {
			if rec.Subject == "" {
				rec.Subject = "NULL"
			}
		}),
	},
	{
		"subject in Latin-1", "round trip of a subject beyond ASCII",
		[]string{"round trip of a subject that is no text"},
		changing(func(rec *session.Record) {
			rec.Subject = strings.Map(func(r rune) rune { return min(r, 0xff) }, rec.Subject)
		}),
	},
	{
		"subject made valid UTF-8", "round trip of a subject that is no text", nil,
		changing(func(rec *session.Record) { rec.Subject = strings.ToValidUTF8(rec.Subject, "?") }),
	},
	{
		"subject in a column of 255 characters", "round trip of a subject that is long", nil,
		changing(func(rec *session.Record) { rec.Subject = rec.Subject[:min(len(rec.Subject), 255)] }),
	},
	{
		"revision in a signed number", "round trip of a revision of all ones", nil,
		changing(func(rec *session.Record) {
			if rec.Rev == ^session.Rev(0) { // -1, taken for none
				rec.Rev = 1
			}
		}),
	},
	{
		"revision of zero taken for none", "round trip of a revision of zero", nil,
		changing(func(rec *session.Record) {
			if rec.Rev == 0 {
				rec.Rev = 1
			}
		}),
	},
	{
		"time to live in 32 bits", "round trip of an expiry far ahead", nil,
		changing(func(rec *session.Record) {
			if latest := time.Now().Add(1<<31*time.Millisecond - 1); rec.Expires.After(latest) {
				rec.Expires = latest.Truncate(time.Second)
			}
		}),
	},
	{
		"expiry in hundredths", "round trip of an expiry of odd milliseconds", nil,
		changing(func(rec *session.Record) { rec.Expires = rec.Expires.Truncate(10 * time.Millisecond) }),
	},
	{"empty fields not updated", "an update replaces every field", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			m.inside(ref, func(h *held) {
				if h != nil && rec.Subject == "" {
					rec.Subject = h.rec.Subject
				}
			})
			return m.Update(ctx, ref, base, rec)
		}
	})},
}

// later returns a store whose idea of when a record is gone is changed after
// each update.
func later(change func(was time.Time, h *held)) func() session.Store {
	return breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			var was time.Time
			m.inside(ref, func(h *held) {
				if h != nil {
					was = h.gone
				}
			})
			newRef, err := m.Update(ctx, ref, base, rec)
			m.inside(ref, func(h *held) {
				if err == nil {
					change(was, h)
				}
			})
			return newRef, err
		}
	})
}

var expiryMistakes = []mistake{
	{
		"expiry on the second", "load of an expired record",
		[]string{"update of an expired record", "an update brings the expiry forward"},
		breaking(func(m *model, st *hooks) {
			st.load = func(ctx context.Context, ref string) (rec session.Record, err error) {
				rec, err = m.Load(ctx, ref)
				m.inside(ref, func(h *held) {
					if h != nil && !h.deleted && time.Now().Unix() <= h.gone.Unix() {
						rec, err = copied(h.rec), nil
					}
				})
				return rec, err
			}
		}),
	},
	{"negative time to live taken for none", "load of a record created expired", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			ref, err := m.Create(ctx, rec)
			m.inside(ref, func(h *held) {
				if rec.Expires.Before(time.Now()) {
					h.gone = time.Now().Add(time.Hour)
				}
			})
			return ref, err
		}
	})},
	{"update without a look at the clock", "update of an expired record", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			m.inside(ref, func(h *held) {
				if h != nil && h.rec.Rev == base {
					h.gone = rec.Expires
				}
			})
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"conflict with an expired record", "update of an expired record", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (_ string, err error) {
			m.inside(ref, func(h *held) {
				if h != nil && !h.deleted && h.rec.Rev != base && h.rec.Rev != rec.Rev {
					err = &session.ConflictError{Current: copied(h.rec)}
				}
			})
			if err != nil {
				return "", err
			}
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{
		"time to live only ever longer", "an update brings the expiry forward", nil,
		later(func(was time.Time, h *held) {
			if was.After(h.gone) {
				h.gone = was
			}
		}),
	},
	{
		"time to live kept", "an update puts the expiry off", nil,
		later(func(was time.Time, h *held) {
			if was.Before(h.gone) && time.Until(was) < time.Minute {
				h.gone = was
			}
		}),
	},
}

var aliasingMistakes = []mistake{
	{"Create keeps the slice", "the payload given to Create is changed later", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			ref, err := m.Create(ctx, rec)
			m.inside(ref, func(h *held) {
				if h != nil {
					h.rec.Payload = rec.Payload
				}
			})
			return ref, err
		}
	})},
	{"Update keeps the slice", "the payload given to Update is changed later", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			newRef, err := m.Update(ctx, ref, base, rec)
			m.inside(newRef, func(h *held) {
				if h != nil && h.rec.Rev == rec.Rev {
					h.rec.Payload = rec.Payload
				}
			})
			return newRef, err
		}
	})},
	{"Load returns the slice", "the payload got from Load is changed", nil, breaking(func(m *model, st *hooks) {
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			rec, err := m.Load(ctx, ref)
			m.inside(ref, func(h *held) {
				if err == nil {
					rec = h.rec
				}
			})
			return rec, err
		}
	})},
	{"a conflict returns the slice", "the payload got from a conflict is changed", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			newRef, err := m.Update(ctx, ref, base, rec)
			var conflict *session.ConflictError
			if errors.As(err, &conflict) {
				m.inside(ref, func(h *held) {
					if h.rec.Rev == conflict.Current.Rev {
						conflict.Current = h.rec
					}
				})
			}
			return newRef, err
		}
	})},
}

var contextMistakes = []mistake{
	{"Create says that it has", "create with an ended context", nil, breaking(func(m *model, st *hooks) {
		st.create = func(ctx context.Context, rec session.Record) (string, error) {
			if ctx.Err() != nil {
				return rec.ID.String(), nil
			}
			return m.Create(ctx, rec)
		}
	})},
	{"Load says that there is none", "load with an ended context", nil, breaking(func(m *model, st *hooks) {
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			if ctx.Err() != nil {
				return session.Record{}, session.ErrNotFound
			}
			return m.Load(ctx, ref)
		}
	})},
	{"Load returns nothing, and no error", "load with an ended context", nil, breaking(func(m *model, st *hooks) {
		st.load = func(ctx context.Context, ref string) (session.Record, error) {
			if ctx.Err() != nil {
				return session.Record{}, nil
			}
			return m.Load(ctx, ref)
		}
	})},
	{"Update does not return", "update with an ended context", nil, breaking(func(m *model, st *hooks) {
		st.update = func(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
			if ctx.Err() != nil {
				time.Sleep(time.Hour)
			}
			return m.Update(ctx, ref, base, rec)
		}
	})},
	{"Delete says that it has", "delete with an ended context", nil, breaking(func(m *model, st *hooks) {
		st.delete = func(ctx context.Context, ref string) error {
			if ctx.Err() != nil {
				return nil
			}
			return m.Delete(ctx, ref)
		}
	})},
}
