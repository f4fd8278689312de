package session

import (
	"errors"
	"fmt"

	"github.com/typedsession/typedsession/store"
)

// ID is the public handle of a session: see [store.ID].
type ID = store.ID

// Errors that a caller may branch on with [errors.Is].
var (
	// ErrNotFound means that there is no such session: it was never there, has
	// expired, or was ended. The three are deliberately one.
	ErrNotFound = store.ErrNotFound

	// ErrConflict means that other requests kept changing the session: the
	// retries ran out and the change was not saved.
	ErrConflict = store.ErrConflict

	// ErrTooLarge means that the record is larger than its store or its
	// cookies can carry. The error names the size and the limit.
	ErrTooLarge = store.ErrTooLarge

	// ErrFull means that the store accepts no new sessions at present.
	ErrFull = store.ErrFull

	// ErrRevoked means that a login was refused because its subject was
	// revoked after the request of the login had arrived.
	ErrRevoked = store.ErrRevoked

	// ErrCommitted means that the response has begun, so that a change which
	// needs a new cookie can no longer be made.
	ErrCommitted = errors.New("session: response already committed")

	// ErrUnavailable means that the store did not answer. The error wraps the
	// store's own, and says nothing about whether the session is still live.
	ErrUnavailable = errors.New("session: store unavailable")

	// ErrEnded means that the session ended while the request was running, so
	// that its change was not saved. It matches [ErrNotFound].
	ErrEnded = fmt.Errorf("session: ended: %w", ErrNotFound)
)

// unavailable wraps what a store said when it said none of the contract's
// errors. The cause stays reachable, so that context errors can be told apart.
type unavailable struct{ cause error }

func (e *unavailable) Error() string        { return ErrUnavailable.Error() + ": " + e.cause.Error() }
func (e *unavailable) Unwrap() error        { return e.cause }
func (e *unavailable) Is(target error) bool { return target == ErrUnavailable }

// storeError classifies an error of a store.
func storeError(err error) error {
	for _, known := range []error{
		nil, store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrTooLarge, store.ErrFull, store.ErrRevoked,
	} {
		if errors.Is(err, known) {
			return err
		}
	}
	return &unavailable{err}
}
