package deadline_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/internal/deadline"
)

const second = time.Second

type key struct{}

// TestContext holds what package context says of every context: done and error
// go together.
func TestContext(t *testing.T) {
	within := (*deadline.Timeout).Within
	beyond := (*deadline.Timeout).Beyond
	both := map[string]func(*deadline.Timeout, context.Context) *deadline.Context{"within": within, "beyond": beyond}
	for name, of := range both {
		t.Run(name+": it ends at the timeout, waited for or not", func(t *testing.T) {
			for _, waits := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					c := of(deadline.New(second), t.Context())
					defer c.End()
					if d, ok := c.Deadline(); !ok || time.Until(d) != second {
						t.Errorf("deadline in %v, want %v", time.Until(d), second)
					}
					live, done := wantNoError, wantError
					if waits {
						live, done = wantLive, wantDone
					}
					live(t, c)
					time.Sleep(second - time.Nanosecond)
					live(t, c)
					time.Sleep(time.Nanosecond)
					done(t, c, context.DeadlineExceeded)
				})
			}
		})
		t.Run(name+": it ends by End, waited for or not", func(t *testing.T) {
			for _, waits := range []bool{false, true} {
				c := of(deadline.New(time.Minute), t.Context())
				if waits {
					wantLive(t, c)
				}
				c.End()
				c.End()
				wantDone(t, c, context.Canceled)
			}
		})
		t.Run(name+": it ends the contexts made of it", func(t *testing.T) {
			for _, waits := range []bool{false, true} {
				c := of(deadline.New(time.Minute), t.Context())
				if waits {
					wantLive(t, c)
				}
				child, cancel := context.WithTimeout(c, time.Hour)
				defer cancel()
				c.End()
				<-child.Done()
				if err := child.Err(); !errors.Is(err, context.Canceled) {
					t.Errorf("the child's error: %v", err)
				}
			}
		})
		t.Run(name+": the error that it has ended with stays", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := of(deadline.New(second), t.Context())
				c.End()
				wantError(t, c, context.Canceled)
				time.Sleep(second)
				wantError(t, c, context.Canceled)

				c = of(deadline.New(second), t.Context())
				time.Sleep(second)
				wantError(t, c, context.DeadlineExceeded)
				c.End()
				wantError(t, c, context.DeadlineExceeded)
			})
		})
		t.Run(name+": it has the values of the parent", func(t *testing.T) {
			c := of(deadline.New(second), context.WithValue(t.Context(), key{}, "value"))
			defer c.End()
			child, cancel := context.WithTimeout(c, time.Hour)
			defer cancel()
			if c.Value(key{}) != "value" || child.Value(key{}) != "value" {
				t.Errorf("values %v and %v", c.Value(key{}), child.Value(key{}))
			}
		})
		t.Run(name+": it may be used by several goroutines", func(t *testing.T) {
			timeout := deadline.New(time.Minute)
			var wg sync.WaitGroup
			for range 8 {
				c := of(timeout, t.Context())
				for range 4 {
					wg.Go(func() { <-c.Done() })
				}
				wg.Go(c.End)
			}
			wg.Wait()
		})
	}
}

func TestWithin(t *testing.T) {
	t.Run("it ends with the parent", func(t *testing.T) {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				c := deadline.New(second).Within(parent)
				defer c.End()
				if waits {
					wantLive(t, c)
				}
				cancel()
				wantDone(t, c, context.Canceled)
			})
		}
	})
	t.Run("the end of the parent after its own changes nothing", func(t *testing.T) {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				c := deadline.New(second).Within(parent)
				defer c.End()
				if waits {
					wantLive(t, c)
				}
				time.Sleep(second)
				wantDone(t, c, context.DeadlineExceeded)
				cancel()
				wantError(t, c, context.DeadlineExceeded)
			})
		}
	})
	t.Run("it ends at the parent's deadline, if that is earlier", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithTimeout(t.Context(), second/2)
			defer cancel()
			c := deadline.New(second).Within(parent)
			defer c.End()
			if d, ok := c.Deadline(); !ok || time.Until(d) != second/2 {
				t.Errorf("deadline in %v, want %v", time.Until(d), second/2)
			}
			wantLive(t, c)
			time.Sleep(second / 2)
			wantDone(t, c, context.DeadlineExceeded)
		})
	})
	t.Run("it ends at the deadline of a parent that outlives another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent := deadline.New(second / 2).Beyond(t.Context())
			defer parent.End()
			c := deadline.New(second).Within(parent)
			defer c.End()
			wantLive(t, c)
			time.Sleep(second / 2)
			wantDone(t, c, context.DeadlineExceeded)
		})
	})
	t.Run("it leaves the parent when it ends", func(t *testing.T) {
		parent := &counted{Context: context.Background(), done: make(chan struct{})}
		c := deadline.New(time.Minute).Within(parent)
		wantLive(t, c)
		if parent.waiting != 1 {
			t.Errorf("%d wait for the parent, want 1", parent.waiting)
		}
		c.End()
		if parent.waiting != 0 {
			t.Errorf("%d wait for the parent afterwards, want 0", parent.waiting)
		}
	})
	t.Run("it ends with a parent of its kind", func(t *testing.T) {
		timeout := deadline.New(time.Minute)
		parent := timeout.Within(t.Context())
		c := timeout.Within(parent)
		defer c.End()
		wantLive(t, c)
		parent.End()
		wantDone(t, c, context.Canceled)
	})
}

func TestBeyond(t *testing.T) {
	t.Run("it outlives the parent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithTimeout(t.Context(), second/2)
			cancel()
			c := deadline.New(second).Beyond(parent)
			defer c.End()
			if d, ok := c.Deadline(); !ok || time.Until(d) != second {
				t.Errorf("deadline in %v, want %v", time.Until(d), second)
			}
			wantLive(t, c)
			time.Sleep(second - time.Nanosecond)
			wantLive(t, c)
			time.Sleep(time.Nanosecond)
			wantDone(t, c, context.DeadlineExceeded)
		})
	})
}

// TestManyEndInTheirOrder has contexts that begin at different times, are waited
// for in another order, and of which some are ended before.
func TestManyEndInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timeout := deadline.New(100 * time.Nanosecond)
		var all []*deadline.Context
		for range 50 {
			all = append(all, timeout.Within(t.Context()))
			time.Sleep(time.Nanosecond)
		}
		start := time.Now().Add(-50)
		for i := range all {
			all[(i*7+25)%50].Done() // not the one first that ends first
		}
		for i := 0; i < 50; i += 3 {
			all[i].End()
		}
		synctest.Wait()
		for i, c := range all {
			if i%3 == 0 {
				wantDone(t, c, context.Canceled)
				continue
			}
			wantLive(t, c)
			<-c.Done()
			if at := time.Since(start); at != time.Duration(100+i) {
				t.Errorf("context %d ended at %d, want %d", i, at, 100+i)
			}
		}
		// The timer has nothing left to do, and starts again.
		time.Sleep(time.Hour)
		c := timeout.Within(t.Context())
		wantLive(t, c)
		time.Sleep(100 * time.Nanosecond)
		wantDone(t, c, context.DeadlineExceeded)
	})
}

// TestAllocations makes sure that a context nobody waits for costs one
// allocation, and one that is waited for no more than its channel besides.
func TestAllocations(t *testing.T) {
	timeout := deadline.New(time.Hour)
	parent := context.Background()
	for _, test := range []struct {
		what  string
		waits bool
		want  float64
	}{{"not waited for", false, 1}, {"waited for", true, 2}} {
		n := testing.AllocsPerRun(100, func() {
			commit := timeout.Beyond(parent)
			if test.waits {
				_ = commit.Done()
			}
			commit.End()
		})
		if n > test.want {
			t.Errorf("%s: %v allocations, want %v", test.what, n, test.want)
		}
	}
	commit := timeout.Beyond(parent)
	defer commit.End()
	n := testing.AllocsPerRun(100, func() {
		op := timeout.Within(commit)
		_ = op.Done()
		op.End()
	})
	if n > 2 {
		t.Errorf("within another: %v allocations, want 2", n)
	}
}

// counted is a context that counts who waits for its end, as package context
// lets contexts of other packages do.
type counted struct {
	context.Context
	done    chan struct{}
	waiting int
}

func (c *counted) Done() <-chan struct{} { return c.done }

// AfterFunc returns a function that ends the wait.
func (c *counted) AfterFunc(func()) (stop func() bool) {
	c.waiting++
	return func() bool { c.waiting--; return true }
}

func wantNoError(t *testing.T, c *deadline.Context) {
	t.Helper()
	if err := c.Err(); err != nil {
		t.Errorf("error %v", err)
	}
}

func wantError(t *testing.T, c *deadline.Context, want error) {
	t.Helper()
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantLive(t *testing.T, c *deadline.Context) {
	t.Helper()
	select {
	case <-c.Done():
		t.Error("done")
	default:
	}
	wantNoError(t, c)
}

func wantDone(t *testing.T, c *deadline.Context, want error) {
	t.Helper()
	<-c.Done()
	wantError(t, c, want)
}
