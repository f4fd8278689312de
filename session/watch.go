package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/store"
)

// watchInterval is how often a watched session is looked at, and so how long it
// may take to notice that it has ended, where the store is no Notifier.
const watchInterval = 5 * time.Second

// Watch returns a context derived from ctx that is also cancelled when the
// session ends elsewhere: destroyed, revoked, expired or superseded by a new
// secret. It is for handlers that run long, such as event streams and sockets,
// which nobody would ask for their token again. [context.Cause] then matches
// [ErrNotFound].
//
// A store that is a [Notifier] tells at once; others are asked every 5 seconds.
// While the store does not answer, nothing is taken for ended, unless the
// session could not even be loaded: see [Session.Err]. Watching is not use: it
// does not extend the session. It takes a goroutine until ctx is done, so ctx
// should be the request's.
func (s *Session[T]) Watch(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	go s.m.core.watch(ctx, cancel, func() witness {
		s.turn.Lock()
		defer s.turn.Unlock()
		return s.live.Load().witness()
	})
	return ctx
}

// witness is what it takes to tell whether a session is the one it was.
type witness struct {
	id     ID
	ref    string
	secret secret
	state  existence
}

type existence uint8

const (
	unborn existence = iota // not stored yet
	living
	gone
)

func (y *cycle) witness() witness {
	seen := y.look()
	w := witness{id: seen.id, ref: y.ref, secret: y.secret}
	switch {
	case y.live:
		w.state = living
	case y.muted || seen.status == StatusDestroyed || y.err != nil:
		w.state = gone
	}
	return w
}

// watch cancels when the session has ended. It looks again after each change of
// the record, after a while, and when the session would expire.
func (c *core) watch(ctx context.Context, cancel context.CancelCauseFunc, look func() witness) {
	defer cancel(nil) // the cause, if any, was given before
	notifier, _ := c.store.(store.Notifier)
	for w := look(); ctx.Err() == nil; w = look() {
		var changed <-chan struct{}
		stop := func() {}
		if notifier != nil && w.state == living {
			// Before the record is read, so that no change is missed.
			changed, stop = notifier.Subscribe(w.id)
		}
		wait, err := c.check(ctx, w)
		// The session itself may have renewed its secret since it was looked at.
		if errors.Is(err, ErrNotFound) && look() == w {
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

// check returns how long to wait before looking again, and an ErrNotFound that
// says why the session is not live any more.
func (c *core) check(ctx context.Context, w witness) (time.Duration, error) {
	switch w.state {
	case unborn:
		return watchInterval, nil
	case gone:
		return watchInterval, errEnded
	}
	rec, err := c.loadFresh(ctx, w.id, w.ref)
	if errors.Is(err, ErrNotFound) {
		return watchInterval, errEnded
	}
	if err != nil {
		return watchInterval, err
	}
	h, _, err := c.openPayload(&rec)
	if err != nil || rec.ID != w.id {
		return watchInterval, errEnded
	}
	now := time.Now().UnixMilli()
	left := time.Duration(min(rec.Expires.UnixMilli(), c.expiry(&h))-now) * time.Millisecond
	switch {
	case left <= 0:
		return watchInterval, errEnded
	case h.hash != nil && !w.secret.opens(&h):
		return watchInterval, fmt.Errorf("session: superseded by a new secret: %w", ErrNotFound)
	case c.revoker != nil:
		revoked, err := c.revoked(ctx, w.id, rec.Subject, &h)
		if revoked {
			err = errEnded
		}
		return min(watchInterval, left), err
	}
	return min(watchInterval, left), nil
}
