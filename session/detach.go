package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// detached is the context of a commit: it has the request's values, but neither
// its end nor its deadline. It is a context.WithTimeout over a
// context.WithoutCancel that arms its timer only when somebody waits for it,
// which a store in this process never does. Otherwise it would cost each write
// five allocations.
type detached struct {
	context.Context // the request's
	deadline        time.Time

	arm   sync.Once
	armed atomic.Pointer[armed]
}

type armed struct {
	context.Context
	cancel context.CancelFunc
}

func detach(ctx context.Context, timeout time.Duration) *detached {
	return &detached{Context: ctx, deadline: time.Now().Add(timeout)}
}

// end releases the timer, if there is one.
func (d *detached) end() {
	if a := d.armed.Load(); a != nil {
		a.cancel()
	}
}

// Deadline implements [context.Context].
func (d *detached) Deadline() (time.Time, bool) { return d.deadline, true }

// Done implements [context.Context].
func (d *detached) Done() <-chan struct{} {
	d.arm.Do(func() {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(d.Context), d.deadline)
		d.armed.Store(&armed{ctx, cancel})
	})
	return d.armed.Load().Done()
}

// Err implements [context.Context].
func (d *detached) Err() error {
	if a := d.armed.Load(); a != nil {
		return a.Err()
	}
	if time.Now().Before(d.deadline) {
		return nil
	}
	return context.DeadlineExceeded
}

// Value implements [context.Context]. Contexts derived from this one find the
// one that ends them by a value.
func (d *detached) Value(key any) any {
	if a := d.armed.Load(); a != nil {
		return a.Value(key)
	}
	return d.Context.Value(key)
}
