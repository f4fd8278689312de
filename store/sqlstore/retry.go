package sqlstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
)

// do runs an operation until it has an answer or the time is up. Every
// operation can be repeated, whether or not its answer was lost.
func (st *Store) do(ctx context.Context, what string, attempt func(ctx context.Context) error) error {
	// The caller's context is looked at first, as a driver may not do it.
	if err := ctx.Err(); err != nil {
		return failed(what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, st.timeout)
	defer cancel()
	for n := 0; ; n++ {
		once, end := context.WithTimeout(ctx, st.timeout/2)
		err := attempt(once)
		late := once.Err() != nil
		end()
		if err == nil || isAnswer(err) {
			return err
		}
		if !late && !st.isTransient(err) {
			return failed(what, err)
		}
		if ended := pause(ctx, n); ended != nil {
			if errors.Is(err, ended) {
				return failed(what, err)
			}
			return failed(what, fmt.Errorf("%w, after %d attempts: %w", ended, n+1, err))
		}
	}
}

// isAnswer reports whether an error is one of the contract, which tells what the
// database holds.
func isAnswer(err error) bool {
	for _, answer := range []error{
		store.ErrNotFound, store.ErrConflict, store.ErrExists, store.ErrRevoked, store.ErrFull, store.ErrTooLarge,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// pause waits before one more attempt, for up to a millisecond at first and up
// to 64 later, at random, so that all that have lost a connection do not come back
// at once. It returns ctx's error if ctx ends before.
func pause(ctx context.Context, attempt int) error {
	bound := time.Millisecond << min(attempt, 6)
	var random [4]byte
	rand.Read(random[:]) // never fails: it ends the program instead
	half := time.Duration(binary.BigEndian.Uint32(random[:])) % (bound / 2)
	timer := time.NewTimer(bound/2 + half)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
