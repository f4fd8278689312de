package session

import (
	"context"
	"sync"
	"time"
)

// commitTimeout bounds a commit with all its retries, because it does not end
// with the request.
const commitTimeout = 10 * time.Second

// detach returns a context for a commit: with the values of ctx, but not its
// cancellation, and with a deadline of its own. It sets no timer until a store
// waits for it, since most commits end long before: context.WithTimeout costs
// four allocations.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	d := &detached{parent: context.WithoutCancel(ctx), deadline: time.Now().Add(commitTimeout)}
	return d, d.cancel
}

type detached struct {
	parent   context.Context
	deadline time.Time

	mu    sync.Mutex
	inner context.Context // nil until it is needed
	stop  context.CancelFunc
	ended bool
}

// context returns the context that has the timer.
func (d *detached) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.stop = context.WithDeadline(d.parent, d.deadline)
		if d.ended {
			d.stop()
		}
	}
	return d.inner
}

func (d *detached) cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.stop != nil {
		d.stop()
	}
}

// Deadline implements [context.Context].
func (d *detached) Deadline() (time.Time, bool) { return d.deadline, true }

// Done implements [context.Context].
func (d *detached) Done() <-chan struct{} { return d.context().Done() }

// Err implements [context.Context].
func (d *detached) Err() error {
	d.mu.Lock()
	inner, ended := d.inner, d.ended
	d.mu.Unlock()
	switch {
	case inner != nil:
		return inner.Err()
	case ended:
		return context.Canceled
	case !time.Now().Before(d.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements [context.Context]. Once there is an inner context, package
// context finds it here, so that a derived context needs no goroutine.
func (d *detached) Value(key any) any {
	d.mu.Lock()
	inner := d.inner
	d.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return d.parent.Value(key)
}
