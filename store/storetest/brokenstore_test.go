package storetest

import (
	"context"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// mistake is a way to break a store, and the case that finds it.
type mistake struct {
	name   string
	found  string   // the case that is there for it
	also   []string // cases that cannot but find it too
	broken func() store.Store
}

// brokenStore is a model some of whose methods are replaced.
type brokenStore struct {
	*model
	create    func(context.Context, store.Record) error
	load      func(context.Context, store.ID) (store.Record, error)
	update    func(context.Context, store.Rev, store.Record) error
	delete    func(context.Context, store.ID) error
	list      func(context.Context, string) ([]store.Record, error)
	revoke    func(context.Context, string, time.Time, ...store.ID) ([]store.ID, error)
	subscribe func(store.ID) (<-chan struct{}, func())
	uncached  func(context.Context, store.ID) (store.Record, error)
}

// breaking returns a function that makes a broken store.
func breaking(replace func(m *model, st *brokenStore)) func() store.Store {
	return func() store.Store {
		m := newModel()
		st := &brokenStore{
			model:     m,
			create:    m.Create,
			load:      m.Load,
			update:    m.Update,
			delete:    m.Delete,
			list:      m.ListSessions,
			revoke:    m.RevokeSubject,
			subscribe: m.Subscribe,
			uncached:  m.LoadUncached,
		}
		replace(m, st)
		return st
	}
}

func (st *brokenStore) Create(ctx context.Context, rec store.Record) error {
	return st.create(ctx, rec)
}

func (st *brokenStore) Load(ctx context.Context, id store.ID) (store.Record, error) {
	return st.load(ctx, id)
}

func (st *brokenStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	return st.update(ctx, base, rec)
}

func (st *brokenStore) Delete(ctx context.Context, id store.ID) error { return st.delete(ctx, id) }

func (st *brokenStore) ListSessions(ctx context.Context, subject string) ([]store.Record, error) {
	return st.list(ctx, subject)
}

func (st *brokenStore) RevokeSubject(ctx context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	return st.revoke(ctx, subject, before, except...)
}

func (st *brokenStore) Subscribe(id store.ID) (changed <-chan struct{}, stop func()) {
	return st.subscribe(id)
}

func (st *brokenStore) LoadUncached(ctx context.Context, id store.ID) (store.Record, error) {
	return st.uncached(ctx, id)
}

// changing returns a store that changes each record before it stores it.
func changing(change func(*store.Record)) func() store.Store {
	return breaking(func(m *model, st *brokenStore) {
		st.create = func(ctx context.Context, rec store.Record) error {
			change(&rec)
			return m.Create(ctx, rec)
		}
		st.update = func(ctx context.Context, base store.Rev, rec store.Record) error {
			change(&rec)
			return m.Update(ctx, base, rec)
		}
	})
}

// brokenClientHeld is a cookie store some of whose methods are replaced.
type brokenClientHeld struct {
	*brokenStore
	encode func(store.Record) (string, error)
	decode func(string) (store.Record, error)
}

func (st *brokenClientHeld) Encode(rec store.Record) (string, error)  { return st.encode(rec) }
func (st *brokenClientHeld) Decode(text string) (store.Record, error) { return st.decode(text) }

// breakingClientHeld is breaking for a store that keeps nothing.
func breakingClientHeld(replace func(good *cookie.Store, st *brokenClientHeld)) func() store.Store {
	return func() store.Store {
		good := cookie.New()
		st := &brokenClientHeld{
			brokenStore: &brokenStore{create: good.Create, load: good.Load, update: good.Update, delete: good.Delete},
			encode:      good.Encode,
			decode:      good.Decode,
		}
		replace(good, st)
		return st
	}
}
