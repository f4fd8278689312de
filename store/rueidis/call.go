package rueidis

import (
	"time"

	"github.com/typedsession/typedsession/internal/deadline"
)

const (
	// directCalls is how many calls the client may have to deal with at once
	// for the next one to be made on the caller's own goroutine, and
	// queuedCalls how many more it is given at once by other goroutines.
	//
	// The client queues 1024 commands for a connection by default, and a caller
	// that comes to a full queue waits there whatever its context says: 12 s,
	// with the client's default settings, behind a network that has gone
	// silent. A call queues two commands at most. So the queue has room for a
	// caller that was suspended between being counted and coming to the queue.
	directCalls = 100
	queuedCalls = 400

	// abandonedFor is how long a call that was given up is taken to stay in
	// the client's queue. It leaves when its answer comes or its connection is
	// found dead, which the client's default settings do within 12 s.
	abandonedFor = time.Minute

	// lastWord is how long a call on a goroutine of its own has to come back
	// once its context has ended, so that the caller learns what the matter was.
	lastWord = 50 * time.Millisecond
)

// answer is what a call returns.
type answer[T any] struct {
	value T
	err   error
}

// call runs one use of the client and returns when ctx ends, or a moment later.
// A use that dedicates takes a connection of its own.
//
// To be sure of that whatever the client does takes a goroutine, which costs
// each call up to 5 µs on a busy machine. So it is left out while nothing is
// known that could hold the caller up: the queues have room, and no connection
// of its own is to be made, for which the client takes no context.
func call[T any](st *Store, ctx *deadline.Context, dedicates bool, use func() (T, error)) (T, error) {
	defer ctx.End()
	if st.calls.Add(1) <= directCalls && !dedicates {
		value, err := use()
		st.leave(ctx, err)
		return value, err
	}

	var none T
	select {
	case st.queue <- struct{}{}:
	case <-ctx.Done():
		st.calls.Add(-1)
		return none, ctx.Err()
	}
	done := make(chan answer[T], 1)
	go func() {
		value, err := use()
		<-st.queue
		st.leave(ctx, err)
		done <- answer[T]{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(lastWord)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.value, a.err
	case <-timer.C:
		return none, ctx.Err()
	}
}

// leave counts a call as dealt with: now, or some time after it was given up.
func (st *Store) leave(ctx *deadline.Context, err error) {
	if err == nil || ctx.Err() == nil {
		st.calls.Add(-1)
		return
	}
	time.AfterFunc(abandonedFor, func() { st.calls.Add(-1) })
}
