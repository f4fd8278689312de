package rueidis

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// opContext ends an operation when the caller's context does or the store's
// own time is up. It is a context.WithTimeout that arms its timer only when
// somebody waits for it: the client's cache answers without waiting, and over
// a connection that nobody shares it uses the deadline alone. WithTimeout
// would cost 0.7 µs and five allocations on each operation.
type opContext struct {
	context.Context
	deadline time.Time

	over   atomic.Bool // the operation has returned
	arm    sync.Once
	armed  context.Context // nil until armed
	cancel context.CancelFunc
}

func newOpContext(parent context.Context, timeout time.Duration) *opContext {
	deadline := time.Now().Add(timeout)
	if d, ok := parent.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return &opContext{Context: parent, deadline: deadline}
}

// Deadline implements [context.Context].
func (c *opContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements [context.Context].
func (c *opContext) Done() <-chan struct{} {
	c.arm.Do(func() {
		c.armed, c.cancel = context.WithDeadline(c.Context, c.deadline)
	})
	return c.armed.Done()
}

// Err implements [context.Context].
func (c *opContext) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	switch {
	case !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	case c.over.Load():
		return context.Canceled
	}
	return nil
}

// ended is the context of operations that have returned.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// end releases the timer. Whoever still holds the context finds it done.
func (c *opContext) end() {
	c.over.Store(true) // first: a context that is done has an error
	c.arm.Do(func() { c.armed = ended })
	if c.cancel != nil {
		c.cancel()
	}
}

const (
	// directCalls is how many calls the client may have to deal with at once
	// for the next one to be made on the caller's own goroutine. The client
	// queues 1024 commands for a connection, and a caller that comes to a full
	// queue waits there whatever its context says: 12 s, with the client's
	// default settings, behind a network that has gone silent.
	directCalls = 512

	// abandonedFor is how long a call that was given up is taken to stay in
	// the client's queue. It leaves when its answer comes or its connection is
	// found dead, which the client's default settings do within 12 s.
	abandonedFor = time.Minute
)

// answer is what a call returns.
type answer[T any] struct {
	value T
	err   error
}

// call runs one use of the client and returns no later than ctx ends.
//
// To be sure of that whatever the client does takes a goroutine, which costs
// each call up to 5 µs on a busy machine. So it is left out while nothing is
// known that could hold the caller up: the queues have room, and no connection
// of its own is to be made, for which the client takes no context.
func call[T any](st *Store, ctx *opContext, use func() (T, error)) (T, error) {
	defer ctx.end()
	if st.calls.Add(1) <= directCalls && st.opts.Replicas == 0 {
		value, err := use()
		st.leave(ctx)
		return value, err
	}

	done := make(chan answer[T], 1)
	go func() {
		value, err := use()
		st.leave(ctx)
		done <- answer[T]{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// leave counts a call as dealt with: now, or some time after it was given up.
func (st *Store) leave(ctx *opContext) {
	if ctx.Err() == nil {
		st.calls.Add(-1)
		return
	}
	time.AfterFunc(abandonedFor, func() { st.calls.Add(-1) })
}
