package store

import (
	"context"
	"time"
)

// Store keeps records. A session manager calls it from many goroutines, so
// every method must be safe for concurrent use. Every method must return within
// a bounded time even if ctx has no deadline, and soon after ctx is done.
//
// A method that returns an error other than those of this package has not
// answered: the record may exist or not, and the write may have been applied or
// not. Such an error never means that a session has ended.
//
// A store never returns a record at or after its Expires: an expired record is
// not found.
type Store interface {
	// Create stores a new record. rec.ID and rec.Rev are not zero.
	//
	// Returns nil without a change if the ID holds a record with the same Rev:
	// the caller repeats a write whose answer was lost.
	// Returns ErrExists if the ID holds another record or a tombstone.
	// Returns ErrFull if the store accepts no more records.
	// Returns ErrTooLarge if the record is larger than the store accepts.
	// Returns ErrRevoked if rec is a login that a revocation covers; see
	// [SubjectIndex].
	// If Create returns one of these errors, nothing was stored.
	Create(ctx context.Context, rec Record) error

	// Load returns the record with all the fields that were stored.
	//
	// Returns ErrNotFound if there is no record. If the record was deleted
	// within the last [TombstoneLife], the error is a [*DeletedError].
	Load(ctx context.Context, id ID) (Record, error)

	// Update replaces the record rec.ID by rec in one atomic step if the
	// stored revision is base.
	//
	// Returns nil without a change if the stored revision is rec.Rev: the
	// caller repeats a write whose answer was lost. A store may also return nil
	// if rec.Rev was stored and has been replaced since.
	// Returns a *ConflictError with the stored record if its revision is another.
	// Returns ErrNotFound if there is no record, as a *DeletedError if it was
	// deleted.
	// Returns ErrTooLarge if the record is larger than the store accepts.
	// Returns ErrRevoked if rec is a login that a revocation covers; see
	// [SubjectIndex].
	// If Update returns one of these errors, nothing was changed.
	Update(ctx context.Context, base Rev, rec Record) error

	// Delete removes the record and leaves a tombstone for [TombstoneLife],
	// whether or not there was a record. While the tombstone is there, Create
	// and Update of that ID fail, so that a write which arrives late does not
	// bring the session back. A Load, Create or Update that begins after
	// Delete has returned sees the tombstone.
	//
	// Returns nil if there is no record.
	Delete(ctx context.Context, id ID) error
}

// TombstoneLife is how long a store remembers at least that a record was
// deleted, and that a subject was revoked. It exceeds the time for which a proxy
// or a slow client can delay a request.
const TombstoneLife = 15 * time.Minute

// UncachedLoader is implemented by a [Store] whose Load may be served from a
// cache, and so may return a record that another process has already changed or
// deleted.
type UncachedLoader interface {
	Store

	// LoadUncached is Load without the cache.
	LoadUncached(ctx context.Context, id ID) (Record, error)
}

// SubjectIndex is implemented by a [Store] that can find the sessions of one
// subject. The store maintains the index by itself: Create and Update of a
// record with a Subject add it, Delete, expiry and a change of the Subject
// remove it. The index may take until [Record.IndexUntil] to forget a session
// that has expired, but its size is bounded by the live sessions.
//
// A write with a [Record.LoginSince] is a login. RevokeSubject covers logins in
// flight: Create and Update return ErrRevoked for a login whose LoginSince is not
// after the revocation, for [TombstoneLife] after RevokeSubject has begun. A
// login that RevokeSubject does not find and a later write does not refuse must
// not exist.
type SubjectIndex interface {
	Store

	// ListSessions returns the live records of the subject in any order.
	// Records that are live during the whole call are always among them. It
	// bypasses caches.
	ListSessions(ctx context.Context, subject string) ([]Record, error)

	// RevokeSubject deletes all records of the subject, except those with the
	// given IDs, and refuses logins of the subject whose LoginSince is at or
	// before the given time. A later time replaces an earlier one. It returns
	// the IDs of the records that it has deleted. Each leaves a tombstone, as
	// after Delete.
	//
	// If it returns an error, the returned IDs were deleted and the call can
	// be repeated.
	RevokeSubject(ctx context.Context, subject string, before time.Time, except ...ID) ([]ID, error)
}

// Notifier is implemented by a [Store] that can report at once that a record
// has changed.
type Notifier interface {
	Store

	// Subscribe returns a channel that is closed when the record is next
	// replaced or deleted, and a function that ends the subscription. The
	// channel may be closed without cause. Expiry closes no channel.
	Subscribe(id ID) (changed <-chan struct{}, stop func())
}

// ClientHeld is implemented by a [Store] that keeps nothing on the server: the
// record itself travels with the client. A session manager calls Encode and
// Decode instead of Create, Load, Update and Delete, which find nothing and keep
// nothing. Such a store cannot detect concurrent writes, and only a [Revoker]
// can end a session before it expires.
type ClientHeld interface {
	Store

	// Encode returns the record as text for the client. It may leave out Rev.
	// It does not authenticate or encrypt: the session manager does. Returns
	// ErrTooLarge if the record is larger than the store accepts.
	Encode(rec Record) (string, error)

	// Decode returns the record that Encode was given. It is only called with
	// text that the session manager has authenticated. Returns ErrNotFound if
	// the text is not a record or the record has expired.
	Decode(text string) (Record, error)
}

// Revoker remembers revocations, each a key and a time. A session manager that
// uses a [ClientHeld] store asks it whenever it loads a session and again before
// it sets a cookie. If the Revoker does not answer, the session is not served.
//
// Its methods must be safe for concurrent use and return within a bounded time.
type Revoker interface {
	// Revoke stores that what was issued under key before the given time is
	// revoked. If there is a later time for the key already, that one stays.
	// The revocation may be dropped at until and not before.
	Revoke(ctx context.Context, key string, before, until time.Time) error

	// RevokedBefore returns the times of the keys in the order of the keys,
	// and the zero Time for a key without one. It sees every Revoke that has
	// returned.
	RevokedBefore(ctx context.Context, keys ...string) ([]time.Time, error)
}
