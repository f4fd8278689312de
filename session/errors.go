package session

import "errors"

// Errors that a caller may branch on with [errors.Is].
var (
	// ErrNotFound means that there is no such session: it was never there, has
	// expired, or was ended. The three are deliberately one.
	ErrNotFound = errors.New("session: not found")

	// ErrExists is a Store's answer to creating a record under an ID in use.
	ErrExists = errors.New("session: ID already in use")

	// ErrConflict means that the session was changed meanwhile, again and
	// again: the retries ran out and the change was not saved.
	ErrConflict = errors.New("session: changed meanwhile")

	// ErrCommitted means that the response has begun, so that a change which
	// needs a new cookie can no longer be made.
	ErrCommitted = errors.New("session: response already committed")

	// ErrTooLarge means that the record is larger than its store or its
	// cookies can carry. The error names the size and the limit.
	ErrTooLarge = errors.New("session: too large")

	// ErrUnavailable means that the store did not answer. The error wraps the
	// store's own, and says nothing about whether the session is still live.
	ErrUnavailable = errors.New("session: store unavailable")
)

// ConflictError is a [Store]'s answer to an update that was based on a revision
// which is no longer current. It matches [ErrConflict].
type ConflictError struct {
	// Current is the record as the store holds it now, so that the update can
	// be tried again without another load.
	Current Record
}

func (e *ConflictError) Error() string { return ErrConflict.Error() }

// Is reports whether target is [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// unavailable wraps what a store said when it said none of the contract's
// errors. The cause stays reachable, so that context errors can be told apart.
type unavailable struct{ cause error }

func (e *unavailable) Error() string        { return ErrUnavailable.Error() + ": " + e.cause.Error() }
func (e *unavailable) Unwrap() error        { return e.cause }
func (e *unavailable) Is(target error) bool { return target == ErrUnavailable }

// storeError classifies an error of a store.
func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrExists),
		errors.Is(err, ErrConflict), errors.Is(err, ErrTooLarge):
		return err
	}
	return &unavailable{err}
}
