package rueidis

import (
	"context"
	"time"
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

// call runs one use of the client within [Options.Timeout], and returns when that
// or ctx ends, or a moment later. A use that dedicates takes a connection of its
// own.
//
// To be sure of that whatever the client does takes a goroutine, which costs
// each call up to 5 µs on a busy machine. So it is left out while nothing is
// known that could hold the caller up: the queues have room, and no connection
// of its own is to be made, for which the client takes no context.
func call[T any](ctx context.Context, st *Store, dedicates bool, use func(op context.Context) (T, error)) (T, error) {
	op, cancel := context.WithTimeout(ctx, st.opts.Timeout)
	defer cancel()
	if st.calls.Add(1) <= directCalls && !dedicates {
		value, err := use(op)
		st.leave(op, err)
		return value, err
	}

	var none T
	select {
	case st.queue <- struct{}{}:
	case <-op.Done():
		st.calls.Add(-1)
		return none, op.Err()
	}
	done := make(chan answer[T], 1)
	go func() {
		value, err := use(op)
		<-st.queue
		st.leave(op, err)
		done <- answer[T]{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-op.Done():
	}
	timer := time.NewTimer(lastWord)
	defer timer.Stop()
	select {
	case a := <-done:
		return a.value, a.err
	case <-timer.C:
		return none, op.Err()
	}
}

// leave counts a call as dealt with: now, or some time after it was given up.
func (st *Store) leave(op context.Context, err error) {
	if err == nil || op.Err() == nil {
		st.calls.Add(-1)
		return
	}
	time.AfterFunc(abandonedFor, func() { st.calls.Add(-1) })
}
