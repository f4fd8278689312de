package storetest

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/typedsession/typedsession/session"
)

// model is a correct store that is as simple as can be and whose insides the
// broken stores reach into.
type model struct {
	mu   sync.Mutex
	held map[string]*held
}

// held is a record, or what is left of a deleted one.
type held struct {
	rec     session.Record
	gone    time.Time // when the store takes the record for expired
	deleted bool
}

func newModel() *model { return &model{held: make(map[string]*held)} }

// live returns the record of a ref, or nil.
func (m *model) live(ref string) *held {
	h := m.held[ref]
	if h == nil || h.deleted || !time.Now().Before(h.gone) {
		return nil
	}
	return h
}

func (m *model) Create(_ context.Context, rec session.Record) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ref := rec.ID.String()
	switch h := m.held[ref]; {
	case h == nil:
		m.held[ref] = &held{rec: copied(rec), gone: rec.Expires}
	case h.deleted || h.rec.Rev != rec.Rev:
		return "", session.ErrExists
	}
	return ref, nil
}

func (m *model) Load(_ context.Context, ref string) (session.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.live(ref)
	if h == nil {
		return session.Record{}, session.ErrNotFound
	}
	return copied(h.rec), nil
}

func (m *model) Update(_ context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.live(ref)
	switch {
	case h == nil:
		return "", session.ErrNotFound
	case h.rec.Rev == base:
		h.rec, h.gone = copied(rec), rec.Expires
	case h.rec.Rev != rec.Rev:
		return "", &session.ConflictError{Current: copied(h.rec)}
	}
	return ref, nil
}

func (m *model) Delete(_ context.Context, ref string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.held[ref]; h != nil {
		h.deleted = true
	}
	return nil
}

// inside calls f with what is held for a ref, which may be nil.
func (m *model) inside(ref string, f func(h *held)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.held[ref])
}

func copied(rec session.Record) session.Record {
	rec.Payload = bytes.Clone(rec.Payload)
	return rec
}

// hooks is a store some of whose methods are replaced.
type hooks struct {
	session.Store
	create func(context.Context, session.Record) (string, error)
	load   func(context.Context, string) (session.Record, error)
	update func(context.Context, string, session.Rev, session.Record) (string, error)
	delete func(context.Context, string) error
}

func (h *hooks) Create(ctx context.Context, rec session.Record) (string, error) {
	if h.create == nil {
		return h.Store.Create(ctx, rec)
	}
	return h.create(ctx, rec)
}

func (h *hooks) Load(ctx context.Context, ref string) (session.Record, error) {
	if h.load == nil {
		return h.Store.Load(ctx, ref)
	}
	return h.load(ctx, ref)
}

func (h *hooks) Update(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
	if h.update == nil {
		return h.Store.Update(ctx, ref, base, rec)
	}
	return h.update(ctx, ref, base, rec)
}

func (h *hooks) Delete(ctx context.Context, ref string) error {
	if h.delete == nil {
		return h.Store.Delete(ctx, ref)
	}
	return h.delete(ctx, ref)
}

// heldHooks is the same for a ClientHeld store.
type heldHooks struct{ *hooks }

func (heldHooks) HeldByClient() {}
