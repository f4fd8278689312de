// Package deadline makes contexts that end after a time and cost little: many
// share one timer, which runs only where somebody waits for one of them.
//
// A [context.WithTimeout] for each call of a store takes five allocations and a
// timer that is started and stopped again. While the process waits for a socket,
// to start one means to wake it: with 64 goroutines that write to Redis, that was
// a fifth of what a write took.
package deadline

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Timeout makes contexts that end after the same time. It may be used by any
// number of goroutines.
type Timeout struct {
	after time.Duration

	mu      sync.Mutex
	waiting waiting
	timer   *time.Timer // nil until it is first needed
	alarm   time.Time   // when it fires, zero where it does not
}

// New returns a Timeout of that time.
func New(after time.Duration) *Timeout { return &Timeout{after: after} }

// Within returns a context that ends after the time, when parent does, or by
// [Context.End].
func (t *Timeout) Within(parent context.Context) *Context {
	c := &Context{Context: parent, timeout: t, deadline: time.Now().Add(t.after)}
	if d, ok := parent.Deadline(); ok && d.Before(c.deadline) {
		c.deadline = d
	}
	return c
}

// Beyond returns a context that has the values of parent but neither its end nor
// its deadline. It ends after the time, or by [Context.End], which must not be
// called while a context that Within has made of it is in use: that one is not
// done then. Of it, and of what is made of it, [context.Cause] tells the parent's
// cause: package context finds that among the values.
func (t *Timeout) Beyond(parent context.Context) *Context {
	return &Context{Context: parent, timeout: t, deadline: time.Now().Add(t.after), beyond: true}
}

// Context is a context that a [Timeout] has made.
type Context struct {
	context.Context
	timeout  *Timeout
	deadline time.Time
	beyond   bool         // the parent's end is not this one's
	reason   atomic.Int32 // why it has ended, once that is known

	once  sync.Once
	done  chan struct{}
	leave func() bool // takes back the wait for the parent; may be nil
	place int         // in timeout.waiting, counted from 1; 0 outside
}

// Why a context has ended. What was said once stays so.
const (
	unended int32 = iota
	canceled
	exceeded
)

// Deadline implements [context.Context].
func (c *Context) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements [context.Context].
func (c *Context) Done() <-chan struct{} {
	c.once.Do(func() {
		c.done = make(chan struct{})
		c.timeout.add(c)
		if c.heedsParent() {
			c.leave = context.AfterFunc(c.Context, func() {
				_ = c.Err() // which it keeps
				c.timeout.remove(c)
			})
		}
	})
	return c.done
}

// heedsParent reports whether the parent may end before the deadline. One that
// Beyond has made does not: it is not in use any more when it is ended.
func (c *Context) heedsParent() bool {
	if parent, ok := c.Context.(*Context); ok && parent.beyond || c.beyond {
		return false
	}
	return c.Context.Done() != nil
}

// Err implements [context.Context].
func (c *Context) Err() error {
	reason := c.reason.Load()
	if reason == unended {
		if reason = c.ending(); reason == unended {
			return nil
		}
		c.reason.CompareAndSwap(unended, reason)
		reason = c.reason.Load()
	}
	if reason == exceeded {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// ending returns why the context ends now, if it does.
func (c *Context) ending() int32 {
	if !c.beyond {
		switch c.Context.Err() {
		case nil:
		case context.DeadlineExceeded:
			return exceeded
		default:
			return canceled
		}
	}
	if !time.Now().Before(c.deadline) {
		return exceeded
	}
	return unended
}

// End ends the context. Whoever made it calls that when it is not needed any
// more.
func (c *Context) End() {
	c.reason.CompareAndSwap(unended, canceled) // first: a context that is done has an error
	c.once.Do(func() { c.done = closed })
	if c.leave != nil {
		c.leave()
	}
	c.timeout.remove(c)
}

// closed is the channel of contexts that nobody waited for before their end.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// add lets the timer end c.
func (t *Timeout) add(c *Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	heap.Push(&t.waiting, c)
	t.schedule()
}

// remove ends c, if that was not done before.
func (t *Timeout) remove(c *Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.place > 0 {
		heap.Remove(&t.waiting, c.place-1)
		close(c.done)
	}
}

// schedule lets the timer fire when the first context ends. One that is to fire
// before is left alone: where calls come all the time, it starts once for many.
func (t *Timeout) schedule() {
	if len(t.waiting) == 0 {
		return
	}
	first := t.waiting[0].deadline
	if !t.alarm.IsZero() && !first.Before(t.alarm) {
		return
	}
	t.alarm = first
	if wait := time.Until(first); t.timer == nil {
		t.timer = time.AfterFunc(wait, t.fire)
	} else {
		t.timer.Reset(wait)
	}
}

// fire ends the contexts whose time has come.
func (t *Timeout) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarm = time.Time{}
	for now := time.Now(); len(t.waiting) > 0 && !now.Before(t.waiting[0].deadline); {
		c := heap.Pop(&t.waiting).(*Context)
		c.reason.CompareAndSwap(unended, exceeded)
		close(c.done)
	}
	t.schedule()
}

// waiting is a [heap.Interface]: what ends first comes first.
type waiting []*Context

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].deadline.Before(w[j].deadline) }

func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].place, w[j].place = i+1, j+1
}

func (w *waiting) Push(c any) {
	*w = append(*w, c.(*Context))
	c.(*Context).place = len(*w)
}

func (w *waiting) Pop() any {
	last := len(*w) - 1
	c := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	c.place = 0
	return c
}
