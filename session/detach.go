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
func detach(ctx context.Context) *detached {
	return &detached{parent: ctx, deadline: time.Now().Add(commitTimeout)}
}

type detached struct {
	parent   context.Context // for its values only
	deadline time.Time

	mu    sync.Mutex
	inner context.Context // has the timer; nil until it is needed
	stop  context.CancelFunc
	ended bool
}

// start returns the context that has the timer.
func (d *detached) start() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.stop = context.WithDeadline(context.WithoutCancel(d.parent), d.deadline)
		if d.ended {
			d.stop()
		}
	}
	return d.inner
}

// end ends the context and stops the timer.
func (d *detached) end() {
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
func (d *detached) Done() <-chan struct{} { return d.start().Done() }

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

// Value implements [context.Context]. Package context calls Done before it asks
// for the context to derive from, and then finds the inner one here and not the
// parent, whose cancellation does not matter.
func (d *detached) Value(key any) any {
	d.mu.Lock()
	inner := d.inner
	d.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return d.parent.Value(key)
}
