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
	end := time.Now().Add(st.timeout)
	for n := 0; ; n++ {
		late, err := st.once(ctx, end, attempt)
		if err == nil || isAnswer(err) {
			return err
		}
		if !late && !st.isTransient(err) {
			return failed(what, err)
		}
		if ended := pause(ctx, end, n); ended != nil {
			if errors.Is(err, ended) {
				return failed(what, err)
			}
			return failed(what, fmt.Errorf("%w, after %d attempts: %w", ended, n+1, err))
		}
	}
}

// once makes one attempt, for which it gives half of the time, so that there is
// time for another one if the connection is dead. It reports whether that has
// passed.
func (st *Store) once(ctx context.Context, end time.Time, attempt func(ctx context.Context) error) (late bool, err error) {
	limit := time.Now().Add(st.timeout / 2)
	if limit.After(end) {
		limit = end
	}
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	err = attempt(ctx)
	return ctx.Err() != nil, err
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
// at once. It returns why there is no time for another attempt, or nil.
func pause(ctx context.Context, end time.Time, attempt int) error {
	bound := time.Millisecond << min(attempt, 6)
	var random [4]byte
	rand.Read(random[:]) // never fails: it ends the program instead
	wait := bound/2 + time.Duration(binary.BigEndian.Uint32(random[:]))%(bound/2)
	wait = min(wait, time.Until(end))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !time.Now().Before(end):
		return context.DeadlineExceeded
	}
	return nil
}
