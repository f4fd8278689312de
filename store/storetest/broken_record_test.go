package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/typedsession/typedsession/store"
)

// fieldMistakes store another record than they were given.
var fieldMistakes = []mistake{
	{
		"payload made valid UTF-8", "round trip of a payload of every byte value", nil,
		changing(func(rec *store.Record) { rec.Payload = bytes.ToValidUTF8(rec.Payload, []byte("?")) }),
	},
	{
		"an empty payload taken for no record", "round trip of an empty payload",
		[]string{"an update replaces every field"},
		breaking(func(m *model, st *brokenStore) {
			st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
				rec, err := m.Load(ctx, id)
				if err == nil && len(rec.Payload) == 0 {
					return store.Record{}, store.ErrNotFound
				}
				return rec, err
			}
		}),
	},
	{
		"payload trimmed", "round trip of a payload that ends in spaces and zeros", nil,
		changing(func(rec *store.Record) { rec.Payload = bytes.TrimRight(rec.Payload, " \x00") }),
	},
	{
		"payload in a column of 65535 bytes", "a payload of 64 KiB", nil,
		changing(func(rec *store.Record) { rec.Payload = rec.Payload[:min(len(rec.Payload), 65535)] }),
	},
	{"a payload refused and stored", "a payload of 64 KiB", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			err := m.Create(ctx, rec)
			if len(rec.Payload) > 4096 {
				return store.ErrTooLarge
			}
			return err
		}
	})},
	{
		"no subject made a word", "round trip of an empty subject",
		[]string{"an update replaces every field", "revocation: a login that is refused"},
		changing(func(rec *store.Record) {
			if rec.Subject == "" {
				rec.Subject = "NULL"
			}
		}),
	},
	{
		"subject in Latin-1", "round trip of a subject beyond ASCII",
		[]string{"round trip of a subject that is not text", "list: subjects of any bytes", "revocation: subjects of any bytes"},
		changing(func(rec *store.Record) {
			rec.Subject = strings.Map(func(r rune) rune { return min(r, 0xff) }, rec.Subject)
		}),
	},
	{
		"subject made valid UTF-8", "round trip of a subject that is not text",
		[]string{"list: subjects of any bytes", "revocation: subjects of any bytes"},
		changing(func(rec *store.Record) { rec.Subject = strings.ToValidUTF8(rec.Subject, "?") }),
	},
	{
		"subject in a column of 255 characters", "round trip of a long subject",
		[]string{"list: subjects of any bytes"},
		changing(func(rec *store.Record) { rec.Subject = rec.Subject[:min(len(rec.Subject), 255)] }),
	},
	{
		"-1 taken for no revision", "round trip of a revision of all ones", nil,
		changing(func(rec *store.Record) {
			if rec.Rev == ^store.Rev(0) {
				rec.Rev = 1
			}
		}),
	},
	{
		"time to live in 32 bits", "round trip of an expiry far ahead", nil,
		changing(func(rec *store.Record) {
			if latest := time.Now().Add(1<<31*time.Millisecond - 1); rec.Expires.After(latest) {
				rec.Expires = latest.Truncate(time.Second)
			}
		}),
	},
	{
		"expiry in hundredths", "round trip of an expiry of odd milliseconds", nil,
		changing(func(rec *store.Record) { rec.Expires = rec.Expires.Truncate(10 * time.Millisecond) }),
	},
	{"LoginSince kept", "round trip of a login", nil, breaking(func(m *model, st *brokenStore) {
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			rec.LoginSince = time.Now()
			return rec, err
		}
	})},
	{"IndexUntil kept", "round trip of a login", nil, breaking(func(m *model, st *brokenStore) {
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			rec.IndexUntil = rec.Expires
			return rec, err
		}
	})},
	{"empty fields not updated", "an update replaces every field", []string{"list: a session changes its subject"}, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			m.inside(rec.ID, func(k *kept) {
				if k != nil && rec.Subject == "" {
					rec.Subject = k.rec.Subject
				}
			})
			return m.Update(ctx, base, rec)
		}
	})},
}

// inPlace makes a store write a payload of churn over the old one.
func inPlace(m *model, st *brokenStore) {
	update := st.update
	st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
		var old []byte
		m.inside(rec.ID, func(k *kept) {
			if k != nil && k.rec.Rev == base && bytes.Equal(rec.Payload, bytes.Repeat(churned, len(k.rec.Payload))) {
				old = k.rec.Payload
			}
		})
		err := update(ctx, base, rec)
		if err == nil && old != nil {
			copy(old, rec.Payload)
		}
		return err
	}
}

var payloadMistakes = []mistake{
	{"Create keeps the slice and writes over it", "the payload given to Create", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			err := m.Create(ctx, rec)
			m.inside(rec.ID, func(k *kept) {
				if err == nil {
					k.rec.Payload = rec.Payload
				}
			})
			return err
		}
		inPlace(m, st)
	})},
	{"Create appends to the slice", "the payload given to Create", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			_ = append(rec.Payload, "checksum"...)
			return m.Create(ctx, rec)
		}
	})},
	{"Update keeps the slice and writes over it", "the payload given to Update", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			err := m.Update(ctx, base, rec)
			m.inside(rec.ID, func(k *kept) {
				if err == nil && k.rec.Rev == rec.Rev {
					k.rec.Payload = rec.Payload
				}
			})
			return err
		}
		inPlace(m, st)
	})},
	{"Load returns a slice that is written over", "the payload that Load returned", nil, breaking(func(m *model, st *brokenStore) {
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			rec, err := m.Load(ctx, id)
			m.inside(id, func(k *kept) {
				if err == nil {
					rec = k.rec
				}
			})
			return rec, err
		}
		inPlace(m, st)
	})},
	{"a conflict returns a slice that is written over", "the payload that a conflict returned", nil, breaking(func(m *model, st *brokenStore) {
		inPlace(m, st)
		update := st.update
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			err := update(ctx, base, rec)
			var conflict *store.ConflictError
			if errors.As(err, &conflict) {
				m.inside(rec.ID, func(k *kept) {
					if k.rec.Rev == conflict.Current.Rev {
						conflict.Current = k.rec
					}
				})
			}
			return err
		}
	})},
}

// later returns a store whose time of expiry is changed after each update.
func later(change func(was time.Time, k *kept)) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			var was time.Time
			m.inside(rec.ID, func(k *kept) {
				if k != nil {
					was = k.gone
				}
			})
			err := m.Update(ctx, base, rec)
			m.inside(rec.ID, func(k *kept) {
				if err == nil {
					change(was, k)
				}
			})
			return err
		}
	})
}

var expiryMistakes = []mistake{
	{
		"expiry on the second", "load of an expired record",
		[]string{"update of an expired record", "an update makes a record expire earlier"},
		breaking(func(m *model, st *brokenStore) {
			st.load = func(ctx context.Context, id store.ID) (rec store.Record, err error) {
				rec, err = m.Load(ctx, id)
				m.inside(id, func(k *kept) {
					if k != nil && !k.isDeleted() && time.Now().Unix() <= k.gone.Unix() {
						rec, err = clone(k.rec), nil
					}
				})
				return rec, err
			}
		}),
	},
	{"negative time to live taken for none", "load of a record created expired", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			err := m.Create(ctx, rec)
			m.inside(rec.ID, func(k *kept) {
				if err == nil && rec.Expires.Before(time.Now()) {
					k.gone = time.Now().Add(time.Hour)
				}
			})
			return err
		}
	})},
	{"update does not look at the clock", "update of an expired record", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			m.inside(rec.ID, func(k *kept) {
				if k != nil && k.rec.Rev == base {
					k.gone = rec.Expires
				}
			})
			return m.Update(ctx, base, rec)
		}
	})},
	{"conflict with an expired record", "update of an expired record", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) (err error) {
			m.inside(rec.ID, func(k *kept) {
				if k != nil && !k.isDeleted() && k.rec.Rev != base && k.rec.Rev != rec.Rev {
					err = &store.ConflictError{Current: clone(k.rec)}
				}
			})
			if err != nil {
				return err
			}
			return m.Update(ctx, base, rec)
		}
	})},
	{
		"time to live never shortened", "an update makes a record expire earlier", nil,
		later(func(was time.Time, k *kept) {
			if was.After(k.gone) {
				k.gone = was
			}
		}),
	},
	{
		"time to live kept", "an update makes a record expire later",
		[]string{"list: an extended session"},
		later(func(was time.Time, k *kept) {
			if was.Before(k.gone) && time.Until(was) < time.Minute {
				k.gone = was
			}
		}),
	},
}
