package memory

import (
	"context"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// Revoker is a [store.Revoker] that keeps its marks in memory, for programs of
// one process: the marks are gone when that ends, and what they revoked is good
// again until it expires. The zero Revoker is ready to use.
type Revoker struct {
	mu    sync.RWMutex
	marks map[string]mark
}

type mark struct{ before, until time.Time }

var _ store.Revoker = (*Revoker)(nil)

// Revoke implements [store.Revoker]. It also forgets some of the marks whose
// time has passed, so that they do not pile up.
func (r *Revoker) Revoke(_ context.Context, key string, before, until time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	left := scanPerCreate
	for other, m := range r.marks {
		if !now.Before(m.until) {
			delete(r.marks, other)
		}
		if left--; left == 0 {
			break
		}
	}
	if r.marks == nil {
		r.marks = make(map[string]mark)
	}
	m := r.marks[key]
	if before.After(m.before) {
		m.before = before
	}
	if until.After(m.until) {
		m.until = until
	}
	r.marks[key] = m
	return nil
}

// RevokedBefore implements [store.Revoker].
func (r *Revoker) RevokedBefore(_ context.Context, keys ...string) ([]time.Time, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	before := make([]time.Time, len(keys))
	for i, key := range keys {
		before[i] = r.marks[key].before
	}
	return before, nil
}
