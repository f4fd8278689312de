package cookie

import (
	"context"
	"time"

	"github.com/typedsession/typedsession/store"
)

// Store is a [store.ClientHeld] store. It has no state, so all Stores are
// alike. Its methods may be called by any number of goroutines.
type Store struct{}

var _ store.ClientHeld = (*Store)(nil)

// New returns a Store.
func New() *Store { return new(Store) }

// Encode implements [store.ClientHeld]. The text is binary: it may contain any
// byte. It leaves out the revision. Encode fails if the record expires before
// 1970 or after 10889, which the format cannot express. It never returns
// ErrTooLarge: the session manager knows how much a cookie holds.
func (*Store) Encode(rec store.Record) (string, error) {
	return encode(rec)
}

// Decode implements [store.ClientHeld]. The record's revision is zero. Its
// subject and its payload are parts of text or copies.
func (*Store) Decode(text string) (store.Record, error) {
	rec, payload, ok := decode(text)
	if !ok || !time.Now().Before(rec.Expires) {
		return store.Record{}, store.ErrNotFound
	}
	rec.Payload = []byte(payload)
	return rec, nil
}

// Create stores nothing and returns nil. The record that Encode has returned is
// the session.
func (*Store) Create(context.Context, store.Record) error { return nil }

// Load returns [store.ErrNotFound].
func (*Store) Load(context.Context, store.ID) (store.Record, error) {
	return store.Record{}, store.ErrNotFound
}

// Update returns [store.ErrNotFound].
func (*Store) Update(context.Context, store.Rev, store.Record) error { return store.ErrNotFound }

// Delete deletes nothing and returns nil. A client that has a copy of the record
// can present it until the record expires.
func (*Store) Delete(context.Context, store.ID) error { return nil }
