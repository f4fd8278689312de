package session

import (
	"errors"
	"fmt"

	"github.com/typedsession/typedsession/internal/engine"
	"github.com/typedsession/typedsession/store"
)

// Errors that a caller may branch on with [errors.Is].
var (
	// ErrNotFound means that there is no such session: it never existed, has
	// expired, or was ended. The error does not tell these apart.
	ErrNotFound = store.ErrNotFound

	// ErrEnded means that the session ended, or got a new secret, while the
	// request was running, and that the request's change was not saved. The
	// client can repeat the request with the session that it has then. It
	// matches ErrNotFound.
	ErrEnded = fmt.Errorf("ended during the request: %w", ErrNotFound)

	// ErrConflict means that concurrent requests kept changing the session for
	// 100 attempts, or until the context ended. The change was not saved.
	ErrConflict = store.ErrConflict

	// ErrCommitted means that the response has begun, so that a change that
	// needs a new token cannot be saved any more, or that the handler has
	// returned, so that no change can.
	ErrCommitted = errors.New("response already committed")

	// ErrTooLarge means that the record is larger than its store or its
	// cookies can carry. The error names the size and the limit.
	ErrTooLarge = store.ErrTooLarge

	// ErrFull means that the store accepts no new sessions at present. Existing
	// sessions are not affected.
	ErrFull = store.ErrFull

	// ErrRevoked means that a login was refused because the sessions of its
	// subject were revoked after the request of the login had arrived.
	ErrRevoked = store.ErrRevoked

	// ErrWithheld means that a new session was not stored because the request
	// came from another site and SameSite made the browser withhold the cookie:
	// a new cookie would overwrite one that the browser may hold. A login is
	// refused with it. Another change is reported by an event and by Save, and
	// the response is sent all the same.
	ErrWithheld = errors.New("the browser has withheld its cookie")

	// errDiscarded is the ErrWithheld of a change that is no login, and errAfterLogout
	// the ErrEnded of a change after Destroy. The response is sent all the same: a
	// page that counts its visits must open from a link on another site too, and a
	// logout that was sent twice is no failure.
	errDiscarded   = fmt.Errorf("the change is not kept: %w", ErrWithheld)
	errAfterLogout = fmt.Errorf("the change is not kept: %w", ErrEnded)

	// ErrUnavailable means that the store did not answer. The error wraps the
	// store's own, and does not say whether the session is still live. A write
	// that failed so may have been applied.
	ErrUnavailable = engine.ErrUnavailable
)

// wrap prefixes an error with the call that it is of.
func wrap(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session: %s: %w", call, err)
}
