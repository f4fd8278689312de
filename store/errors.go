package store

import (
	"errors"
	"time"
)

// The errors of a [Store]. A store may wrap them; callers use [errors.Is] and
// [errors.As].
var (
	// ErrNotFound means that there is no such record: it never existed, has
	// expired, or was deleted.
	ErrNotFound = errors.New("session not found")

	// ErrExists means that the ID of a new record is in use.
	ErrExists = errors.New("session ID already in use")

	// ErrConflict means that a record has another revision than the caller
	// expected. Stores return it as a [*ConflictError].
	ErrConflict = errors.New("session changed concurrently")

	// ErrTooLarge means that a record is larger than the store accepts.
	ErrTooLarge = errors.New("session too large")

	// ErrFull means that the store accepts no new records at present. Existing
	// records are not affected.
	ErrFull = errors.New("session store is full")

	// ErrRevoked means that a login was refused because its subject was revoked
	// after the request of the login had arrived.
	ErrRevoked = errors.New("login revoked")
)

// ConflictError is returned by [Store.Update] if the stored revision is not the
// expected one. It matches [ErrConflict].
type ConflictError struct {
	// Current is the stored record, so that the caller can apply its change to
	// it without another Load.
	Current Record
}

func (e *ConflictError) Error() string { return ErrConflict.Error() }

// Is reports whether target is [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// DeletedError is returned for a record that was deleted within the last
// [TombstoneLife]. It matches [ErrNotFound].
type DeletedError struct {
	At time.Time // when, by the clock of the process that deleted it
}

func (e *DeletedError) Error() string { return "session was deleted" }

// Is reports whether target is [ErrNotFound].
func (e *DeletedError) Is(target error) bool { return target == ErrNotFound }
