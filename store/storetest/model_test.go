package storetest

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// model is a correct store with every capability. It is as simple as possible,
// and the broken stores change its insides.
type model struct {
	mu          sync.Mutex
	kept        map[store.ID]*kept
	revoked     map[string]time.Time
	covers      func(before time.Time, old, rec store.Record) bool
	subscribers map[store.ID][]chan struct{}
}

// kept is a record or a tombstone.
type kept struct {
	rec     store.Record
	gone    time.Time // when the store takes the record for expired
	deleted time.Time // zero: not deleted
}

func newModel() *model {
	return &model{
		kept:        make(map[store.ID]*kept),
		revoked:     make(map[string]time.Time),
		covers:      covers,
		subscribers: make(map[store.ID][]chan struct{}),
	}
}

// clone returns what a store keeps of a record.
func clone(rec store.Record) store.Record {
	rec.Payload = bytes.Clone(rec.Payload)
	rec.LoginSince, rec.IndexUntil = time.Time{}, time.Time{}
	return rec
}

func (k *kept) isDeleted() bool { return k != nil && !k.deleted.IsZero() }

func (k *kept) isLive() bool {
	return k != nil && !k.isDeleted() && time.Now().Before(k.gone)
}

// notFound returns the error for what is not live.
func (k *kept) notFound() error {
	if k.isDeleted() {
		return &store.DeletedError{At: k.deleted}
	}
	return store.ErrNotFound
}

// covers reports whether a revocation covers a write.
func covers(before time.Time, _, rec store.Record) bool {
	return !rec.LoginSince.IsZero() && !rec.LoginSince.After(before)
}

// refuses reports whether rec is a login that a revocation covers.
func (m *model) refuses(rec store.Record) bool {
	var old store.Record
	if k := m.kept[rec.ID]; k != nil {
		old = k.rec
	}
	before, ok := m.revoked[rec.Subject]
	return ok && m.covers(before, old, rec)
}

func (m *model) Create(_ context.Context, rec store.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch k := m.kept[rec.ID]; {
	case k.isLive() && k.rec.Rev == rec.Rev:
		return nil
	case k.isLive() || k.isDeleted():
		return store.ErrExists
	case m.refuses(rec):
		return store.ErrRevoked
	}
	m.kept[rec.ID] = &kept{rec: clone(rec), gone: rec.Expires}
	return nil
}

func (m *model) Load(_ context.Context, id store.ID) (store.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kept[id]
	if !k.isLive() {
		return store.Record{}, k.notFound()
	}
	return clone(k.rec), nil
}

func (m *model) LoadUncached(ctx context.Context, id store.ID) (store.Record, error) {
	return m.Load(ctx, id)
}

func (m *model) Update(_ context.Context, base store.Rev, rec store.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kept[rec.ID]
	switch {
	case !k.isLive():
		return k.notFound()
	case k.rec.Rev == rec.Rev:
		return nil
	case k.rec.Rev != base:
		return &store.ConflictError{Current: clone(k.rec)}
	case m.refuses(rec):
		return store.ErrRevoked
	}
	k.rec, k.gone = clone(rec), rec.Expires
	m.notify(rec.ID)
	return nil
}

func (m *model) Delete(_ context.Context, id store.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaveTombstone(id)
	return nil
}

// leaveTombstone replaces what is kept by a tombstone.
func (m *model) leaveTombstone(id store.ID) {
	m.kept[id] = &kept{deleted: time.Now()}
	m.notify(id)
}

func (m *model) ListSessions(_ context.Context, subject string) ([]store.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var recs []store.Record
	for _, k := range m.kept {
		if k.isLive() && k.rec.Subject == subject {
			recs = append(recs, clone(k.rec))
		}
	}
	return recs, nil
}

func (m *model) RevokeSubject(_ context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before.After(m.revoked[subject]) {
		m.revoked[subject] = before
	}
	var ids []store.ID
	for id, k := range m.kept {
		if k.isLive() && k.rec.Subject == subject && !slices.Contains(except, id) {
			m.leaveTombstone(id)
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (m *model) Subscribe(id store.ID) (changed <-chan struct{}, stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(chan struct{})
	m.subscribers[id] = append(m.subscribers[id], c)
	return c, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.subscribers[id] = slices.DeleteFunc(m.subscribers[id], func(other chan struct{}) bool { return other == c })
	}
}

// notify closes the channels of the subscribers.
func (m *model) notify(id store.ID) {
	for _, c := range m.subscribers[id] {
		close(c)
	}
	delete(m.subscribers, id)
}

// inside calls f with what is kept under an ID, which may be nil.
func (m *model) inside(id store.ID, f func(k *kept)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.kept[id])
}
