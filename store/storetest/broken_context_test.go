package storetest

import (
	"context"
	"time"

	"github.com/typedsession/typedsession/store"
)

var contextMistakes = []mistake{
	{"Create reports a success that is none", "create with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			if ctx.Err() != nil {
				return nil
			}
			return m.Create(ctx, rec)
		}
	})},
	{"Load reports that there is no record", "load with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			if ctx.Err() != nil {
				return store.Record{}, store.ErrNotFound
			}
			return m.Load(ctx, id)
		}
	})},
	{"Load returns neither a record nor an error", "load with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.load = func(ctx context.Context, id store.ID) (store.Record, error) {
			if ctx.Err() != nil {
				return store.Record{}, nil
			}
			return m.Load(ctx, id)
		}
	})},
	{"Update does not return", "update with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			if ctx.Err() != nil {
				time.Sleep(time.Hour)
			}
			return m.Update(ctx, base, rec)
		}
	})},
	{"Delete reports a success that is none", "delete with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.delete = func(ctx context.Context, id store.ID) error {
			if ctx.Err() != nil {
				return nil
			}
			return m.Delete(ctx, id)
		}
	})},
	{"ListSessions returns part of a list", "list with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.list = func(ctx context.Context, subject string) ([]store.Record, error) {
			if ctx.Err() != nil {
				return nil, nil
			}
			return m.ListSessions(ctx, subject)
		}
	})},
	{"RevokeSubject reports a success that is none", "revocation with a context that is done", nil, breaking(func(m *model, st *brokenStore) {
		st.revoke = func(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
			if ctx.Err() != nil {
				return nil, nil
			}
			return m.RevokeSubject(ctx, subject, before, except...)
		}
	})},
}
