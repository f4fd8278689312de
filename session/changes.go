package session

import "github.com/typedsession/typedsession/store"

// changes is what the application has asked for in this request and what is not
// saved yet. The methods are those of a stater, and find none in a nil one.
type changes[T any] struct {
	scratch T                 // what a callback works on, so that none sees half a change
	updates []func(*T)        // in order
	unsure  map[store.Rev]int // how many of them a write held that got no answer
	wishes  []func(*live[T])
	few     [2]func(*T) // where updates begins, to save an allocation
}

// pending implements stater.
func (c *changes[T]) pending() bool { return c != nil && len(c.updates) > 0 }

// settle implements stater.
func (c *changes[T]) settle() {
	if c == nil {
		return
	}
	c.few = [2]func(*T){} // what they hold can go
	c.updates, c.unsure = c.few[:0], nil
}

// lost implements stater.
func (c *changes[T]) lost(rev store.Rev) {
	if !c.pending() {
		return
	}
	if c.unsure == nil {
		c.unsure = make(map[store.Rev]int)
	}
	c.unsure[rev] = len(c.updates)
}

// found implements stater.
func (c *changes[T]) found(rev store.Rev) {
	if c == nil {
		return
	}
	if n, ok := c.unsure[rev]; ok {
		c.updates, c.unsure = c.updates[n:], nil
	}
}

// doubtful implements stater.
func (c *changes[T]) doubtful(rev store.Rev) bool {
	if c == nil || len(c.unsure) == 0 {
		return false
	}
	_, ok := c.unsure[rev]
	return !ok
}
