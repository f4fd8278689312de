package memory

import (
	"context"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// Revoker is a [store.Revoker] that keeps revocations in memory, for programs
// that run as one process. The revocations end with the process: a session that
// was revoked is accepted again after a restart, until it expires. The zero
// Revoker is ready to use. Its methods may be called by any number of
// goroutines.
type Revoker struct {
	mu   sync.RWMutex
	kept map[string]keyRevocation
}

// keyRevocation is a revocation of what was issued under a key.
type keyRevocation struct{ before, until time.Time }

var _ store.Revoker = (*Revoker)(nil)

// Revoke implements [store.Revoker]. It also removes some of the revocations
// whose time is over, so that they do not accumulate.
func (r *Revoker) Revoke(_ context.Context, key string, before, until time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	left := scanPerCreate
	for other, rev := range r.kept {
		if !now.Before(rev.until) {
			delete(r.kept, other)
		}
		if left--; left == 0 {
			break
		}
	}
	if r.kept == nil {
		r.kept = make(map[string]keyRevocation)
	}
	rev := r.kept[key]
	if before.After(rev.before) {
		rev.before = before
	}
	if until.After(rev.until) {
		rev.until = until
	}
	r.kept[key] = rev
	return nil
}

// RevokedBefore implements [store.Revoker].
func (r *Revoker) RevokedBefore(_ context.Context, keys ...string) ([]time.Time, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	before := make([]time.Time, len(keys))
	for i, key := range keys {
		before[i] = r.kept[key].before
	}
	return before, nil
}
