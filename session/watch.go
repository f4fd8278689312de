package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/internal/engine"
)

// watchInterval is how often a watched session is looked at if the store is no
// Notifier, and so how long it may take to notice that it has ended.
const watchInterval = 5 * time.Second

// Watch returns a context derived from ctx that is also cancelled when the
// session ends: when it is destroyed, revoked, expired, or superseded by a new
// secret of another request. Use it in long-running handlers (SSE, WebSocket),
// which would otherwise outlive the session. [context.Cause] of the returned
// context then matches [ErrNotFound]. A session that is not stored yet does not
// end.
//
// If the store is a [store.Notifier], the context is cancelled at once; otherwise
// the store is asked every 5 seconds. While the store does not answer, the
// session counts as live. Watching does not extend the session: it expires unless
// other requests use it. Watch starts a goroutine that ends when ctx is done, so
// pass the context of the request.
func (s *Session[T]) Watch(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	go s.watch(ctx, cancel)
	return ctx
}

// watched is what it takes to tell whether a session is the one it was.
type watched struct {
	phase     phase
	destroyed bool
	snapshot  engine.Snapshot
	wake      <-chan struct{} // of a session that is not stored yet
}

func (s *Session[T]) watched() watched {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.unit.Load()
	w := watched{phase: u.phase, destroyed: u.look().status == StatusDestroyed}
	switch {
	case u.snapshot != nil:
		w.snapshot = *u.snapshot
	case u.wake == nil:
		u.wake = make(chan struct{})
	}
	w.wake = u.wake
	return w
}

// watch cancels when the session has ended. It looks again after each change of
// the record, after a while, and when the session would expire.
func (s *Session[T]) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	defer cancel(nil) // the cause, if any, was given before
	for ctx.Err() == nil {
		w := s.watched()
		changed, stop := w.wake, func() {}
		if w.phase == phaseStored {
			// Before the record is read, so that no change is missed.
			changed, stop = s.m.engine.Subscribe(w.snapshot.ID)
		}
		wait, err := s.check(ctx, w)
		// The request itself may have renewed the secret since.
		if now := s.watched(); errors.Is(err, ErrNotFound) && now.phase == w.phase && now.snapshot.Secret == w.snapshot.Secret && now.snapshot.Rev == w.snapshot.Rev {
			cancel(err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		stop()
	}
}

// check returns how long to wait before looking again, and an error that matches
// ErrNotFound if the session is not live any more.
func (s *Session[T]) check(ctx context.Context, w watched) (time.Duration, error) {
	switch {
	case w.phase == phaseNew && !w.destroyed:
		return watchInterval, nil // not stored yet
	case w.phase != phaseStored:
		return watchInterval, wrap("watch", ErrNotFound)
	}
	left, err := s.m.engine.Check(ctx, w.snapshot)
	if err != nil {
		return watchInterval, fmt.Errorf("session: watch: %w", err)
	}
	return min(left, watchInterval), nil
}
