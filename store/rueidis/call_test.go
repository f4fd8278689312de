package rueidis

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestOpContext holds the store's own context to what package context says of
// every context: done and error go together.
func TestOpContext(t *testing.T) {
	const timeout = time.Second
	t.Run("it ends at the store's timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newOpContext(t.Context(), timeout)
			defer c.end()
			wantLive(t, c)
			time.Sleep(timeout - time.Nanosecond)
			wantLive(t, c)
			time.Sleep(time.Nanosecond)
			wantDone(t, c, context.DeadlineExceeded)
		})
	})
	t.Run("it ends at the caller's deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithTimeout(t.Context(), timeout/2)
			defer cancel()
			c := newOpContext(parent, timeout)
			defer c.end()
			if d, ok := c.Deadline(); !ok || time.Until(d) != timeout/2 {
				t.Errorf("deadline in %v, want %v", time.Until(d), timeout/2)
			}
			time.Sleep(timeout / 2)
			wantDone(t, c, context.DeadlineExceeded)
		})
	})
	t.Run("it ends with the caller's context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithCancel(t.Context())
			c := newOpContext(parent, timeout)
			defer c.end()
			wantLive(t, c)
			cancel()
			wantDone(t, c, context.Canceled)
		})
	})
	t.Run("it ends with the operation, armed or not", func(t *testing.T) {
		for _, armed := range []bool{false, true} {
			c := newOpContext(t.Context(), timeout)
			if armed {
				wantLive(t, c)
			}
			c.end()
			wantDone(t, c, context.Canceled)
		}
	})
	t.Run("it ends the contexts made of it", func(t *testing.T) {
		for _, armed := range []bool{false, true} {
			c := newOpContext(t.Context(), timeout)
			if armed {
				wantLive(t, c)
			}
			child, cancel := context.WithTimeout(c, time.Minute)
			defer cancel()
			c.end()
			<-child.Done()
			if err := child.Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("the child's error: %v", err)
			}
		}
	})
	t.Run("it may be used by several goroutines", func(t *testing.T) {
		c := newOpContext(t.Context(), time.Minute)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { <-c.Done() })
		}
		c.end()
		wg.Wait()
	})
}

func wantLive(t *testing.T, c *opContext) {
	t.Helper()
	select {
	case <-c.Done():
		t.Error("done")
	default:
	}
	if err := c.Err(); err != nil {
		t.Errorf("error %v", err)
	}
}

func wantDone(t *testing.T, c *opContext, want error) {
	t.Helper()
	<-c.Done()
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// TestOpContextAllocates makes sure that an operation which nobody waits for
// starts no timer.
func TestOpContextAllocates(t *testing.T) {
	parent := t.Context()
	n := testing.AllocsPerRun(100, func() {
		c := newOpContext(parent, time.Second)
		if c.Err() != nil {
			t.Error("done")
		}
		c.end()
	})
	if n > 1 {
		t.Errorf("%v allocations, want 1 at most", n)
	}
}

// TestCallsAreCounted makes sure that a call counts as under way until the
// client has dealt with it, or a while after it was given up.
func TestCallsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &Store{}
		wantCalls := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if n := st.calls.Load(); n != want {
				t.Errorf("%s: %d calls, want %d", what, n, want)
			}
		}
		if _, err := call(st, newOpContext(t.Context(), time.Second), func() (int, error) {
			wantCalls("during a call", 1)
			return 0, nil
		}); err != nil {
			t.Error(err)
		}
		wantCalls("after it", 0)

		ctx := newOpContext(t.Context(), time.Second)
		if _, err := call(st, ctx, func() (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call without an answer: %v", err)
		}
		wantCalls("after one that was given up", 1)
		time.Sleep(abandonedFor)
		wantCalls("a minute later", 0)

		// A client that does not look at the context, when it is crowded.
		st.calls.Store(directCalls)
		answered := make(chan bool)
		if _, err := call(st, newOpContext(t.Context(), time.Second), func() (int, error) {
			<-answered
			return 0, nil
		}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that hangs: %v", err)
		}
		wantCalls("while it hangs", directCalls+1)
		close(answered)
		time.Sleep(abandonedFor)
		wantCalls("a minute after it came back", directCalls)
	})
}
