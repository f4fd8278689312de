package writequeue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/internal/writequeue"
)

var id = [16]byte{1, 2, 3}

func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := writequeue.New().Of(id)
		var order []int
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				in, err := q.Enter(t.Context(), id)
				if !in || err != nil {
					t.Errorf("request %d: in %v, %v", i, in, err)
				}
				order = append(order, i)
				time.Sleep(time.Millisecond)
				q.Leave()
			})
			synctest.Wait()
		}
		if !q.Busy(id) || q.Busy([16]byte{9}) {
			t.Error("busy with another session than the one that is in")
		}
		all.Wait()
		if want := []int{0, 1, 2}; !slices.Equal(order, want) || q.Busy(id) {
			t.Errorf("order %v, want %v; busy %v", order, want, q.Busy(id))
		}
	})
}

// A queue that moves is waited for; one that does not is bypassed after a second.
func TestAQueueThatDoesNotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := writequeue.New().Of(id)
		if in, err := q.Enter(t.Context(), id); !in || err != nil {
			t.Fatal(in, err)
		}
		start := time.Now()
		in, err := q.Enter(t.Context(), id)
		if took := time.Since(start); in || err != nil || took != time.Second {
			t.Errorf("in %v, %v after %v; want false after a second", in, err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if in, err := q.Enter(ctx, id); in || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in %v, %v; want the error of the context", in, err)
		}
	})
}
