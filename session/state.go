package session

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/typedsession/typedsession/internal/payload"
)

// changes holds the updates of a request that are not saved, and the place where
// they are applied. A request that only reads has none.
type changes[T any] struct {
	draft   T          // what a callback works on, so that no reader sees half a change
	updates []func(*T) // not saved yet, in order
	first   [2]func(*T)
}

// settle forgets the first n updates: they are saved, or never will be.
func (c *changes[T]) settle(n int) {
	if n < len(c.updates) {
		c.updates = c.updates[n:]
		return
	}
	c.first = [2]func(*T){} // what they refer to can be freed
	c.updates = c.first[:0]
}

// opened returns the changes of the request, creating them if there are none.
func (u *unit[T]) opened() *changes[T] {
	if u.changes == nil {
		u.changes = new(changes[T])
		u.changes.updates = u.changes.first[:0]
	}
	return u.changes
}

// draft returns where the state is worked on: apart from what readers see, once
// there may be readers.
func (u *unit[T]) draft() *T {
	if !u.shared {
		return &u.read.state
	}
	return &u.opened().draft
}

// publish shows the draft to readers.
func (u *unit[T]) publish() {
	if !u.shared {
		return
	}
	u.read.mu.Lock()
	u.read.state = u.changes.draft
	u.read.mu.Unlock()
}

// pending returns the number of updates that are not saved.
func (u *unit[T]) pending() int {
	if u.changes == nil {
		return 0
	}
	return len(u.changes.updates)
}

// settle forgets all updates: they are saved, or never will be.
func (u *unit[T]) settle() {
	if u.changes != nil {
		u.changes.settle(u.pending())
	}
	u.unanswered = nil
}

// apply changes the state by fn. It changes nothing if fn fails or panics,
// except for what fn has changed in place.
func (u *unit[T]) apply(fn func(*T) error) error {
	draft := u.draft()
	*draft = u.read.state
	if err := callback(func() error { return fn(draft) }); err != nil {
		return err
	}
	u.publish()
	return nil
}

// replay decodes a state, or the initial one if encoded is nil, and applies the
// updates that are not saved.
func (u *unit[T]) replay(encoded []byte) error {
	draft := u.draft()
	if err := u.m.decode(encoded, draft); err != nil {
		return err
	}
	u.baseOwner = u.owner(draft)
	if u.pending() > 0 {
		_ = callback(func() error {
			for _, update := range u.changes.updates {
				update(draft)
			}
			return nil
		})
	}
	u.publish()
	return nil
}

// encode returns the encoded state behind room for the meta data.
func (u *unit[T]) encode() ([]byte, error) {
	size := 256
	if u.snapshot != nil {
		size = len(u.snapshot.State) + len(u.snapshot.State)/8
	}
	encoded, err := u.m.encode(make([]byte, payload.Room, payload.Room+size), &u.read.state)
	if err != nil {
		return nil, u.fail("encode", err)
	}
	return encoded, nil
}

// owner returns the subject of a state.
func (u *unit[T]) owner(state *T) (subject string) {
	_ = callback(func() error { subject = u.m.cfg.Subject(state); return nil })
	return subject
}

// label returns the label of the session, of payload.MaxLabel bytes at most.
func (u *unit[T]) label() (label string) {
	if u.m.cfg.Label == nil || u.request == nil {
		return ""
	}
	_ = callback(func() error { label = u.m.cfg.Label(u.request, &u.read.state); return nil })
	label = strings.ToValidUTF8(label, "")
	for n := payload.MaxLabel; len(label) > payload.MaxLabel; n-- {
		if utf8.RuneStart(label[n]) {
			label = label[:n]
		}
	}
	return label
}

// encode appends an encoded state. A panic of the codec is an error.
func (m *Manager[T]) encode(dst []byte, state *T) (encoded []byte, err error) {
	defer caught(&err)
	encoded, err = m.cfg.Codec.Append(dst, state)
	if err == nil && len(encoded) < len(dst) {
		return nil, errors.New("codec returned less than it was to append to")
	}
	return encoded, err
}

// decode decodes a state into what state points to, or the initial state if data
// is nil. A panic of the codec is an error: corrupt bytes concern one record and
// not the process.
func (m *Manager[T]) decode(data []byte, state *T) (err error) {
	var zero T
	*state = zero
	switch {
	case data == nil && m.zero:
		return nil
	case data == nil:
		data = m.initial
	}
	defer caught(&err)
	return m.cfg.Codec.Decode(data, state)
}

func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error, *reflect.ValueError: // indexes, lengths and types
		*err = fmt.Errorf("codec panicked: %v", p)
	default: // which may quote the state
		*err = fmt.Errorf("codec panicked: %T", p)
	}
}
