package rueidis

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestCallsAreCounted makes sure that a call counts as under way until the
// client has dealt with it, or a while after it was given up.
func TestCallsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &Store{queue: make(chan struct{}, 1), opts: Options{Timeout: time.Second}}
		wantCalls := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if n := st.calls.Load(); n != want {
				t.Errorf("%s: %d calls, want %d", what, n, want)
			}
		}
		if _, err := call(t.Context(), st, false, func(context.Context) (int, error) {
			wantCalls("during a call", 1)
			return 0, nil
		}); err != nil {
			t.Error(err)
		}
		wantCalls("after it", 0)

		if _, err := call(t.Context(), st, false, func(op context.Context) (int, error) {
			<-op.Done()
			return 0, op.Err()
		}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call without an answer: %v", err)
		}
		wantCalls("after one that was given up", 1)
		time.Sleep(abandonedFor)
		wantCalls("a minute later", 0)

		// A client that does not look at the context, when it is crowded.
		st.calls.Store(directCalls)
		answered := make(chan bool)
		if _, err := call(t.Context(), st, false, func(context.Context) (int, error) {
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
