package cookie

import (
	"context"
	"time"

	"github.com/typedsession/typedsession/session"
)

// Store is a [session.ClientHeld] store. It has no state, so all Stores are
// alike, and its methods may be called by any number of goroutines.
type Store struct{}

var _ session.ClientHeld = (*Store)(nil)

// New returns a Store.
func New() *Store { return new(Store) }

// HeldByClient implements [session.ClientHeld].
func (*Store) HeldByClient() {}

// Create implements [session.Store]. The ref is binary: it may hold any byte.
// It fails for a record that expires before 1970 or after 10889, which the
// format cannot express.
func (*Store) Create(_ context.Context, rec session.Record) (string, error) {
	return encode(rec)
}

// Load implements [session.Store]. The record's revision is zero.
func (*Store) Load(_ context.Context, ref string) (session.Record, error) {
	rec, payload, err := open(ref)
	if err == nil {
		rec.Payload = []byte(payload)
	}
	return rec, err
}

// Update implements [session.Store]: it checks that the record in ref has not
// expired, and no more. The record in ref stays as valid as it was.
func (*Store) Update(_ context.Context, ref string, _ session.Rev, rec session.Record) (string, error) {
	if _, _, err := open(ref); err != nil {
		return "", err
	}
	return encode(rec)
}

// Delete implements [session.Store]. It does nothing: the record is valid until
// it expires, for whoever has it.
func (*Store) Delete(context.Context, string) error { return nil }

// open returns the record in ref and, apart from it, the payload. It fails with
// ErrNotFound when there is no record or it has expired.
func open(ref string) (session.Record, string, error) {
	rec, payload, ok := decode(ref)
	if !ok || !time.Now().Before(rec.Expires) {
		return session.Record{}, "", session.ErrNotFound
	}
	return rec, payload, nil
}
