package session

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// live is a session that is in use: the cycle, in bytes, and the typed state,
// which it holds for the cycle as its stater.
type live[T any] struct {
	cycle
	m       *Manager[T]
	request *http.Request // nil after Open

	value       T           // written under mu by the holder of the turn
	shared      bool        // others may look at value
	calling     atomic.Bool // a callback is running
	*changes[T]             // nil where there was none: a request that reads pays for none
}

func newLive[T any](s *Session[T]) *live[T] {
	l := &live[T]{m: s.m, request: s.request}
	l.core, l.state, l.arrived = s.m.core, l, &s.arrived
	return l
}

// load returns the session's live part, loading it at the first call.
func (s *Session[T]) load(ctx context.Context) *live[T] {
	if l := s.live.Load(); l != nil {
		return l
	}
	s.turn.Lock()
	defer s.unlock(ctx)
	if l := s.live.Load(); l != nil {
		return l
	}
	l := s.fetch(ctx)
	if l.err != nil && s.request.Context().Err() != nil {
		// The client hung up, or somebody else has answered it. A logout is done
		// all the same: see cycle.commit. A context of the caller's own is not
		// outlived.
		own := s.m.core.commits.Beyond(ctx)
		defer own.End()
		l = s.fetch(own)
	}
	s.share(l)
	return l
}

// fetch loads what the request's token leads to.
func (s *Session[T]) fetch(ctx context.Context) *live[T] {
	l := newLive(s)
	var buf [maxCandidates]string
	tokens, pieces := s.m.core.carrier.read(buf[:0], s.request.Header)
	l.pieces = pieces
	l.cycle.load(ctx, tokens)
	return l
}

// share makes l the session's live part, which others look at from now on.
func (s *Session[T]) share(l *live[T]) {
	l.shared = true
	s.live.Store(l)
	if s.begun.Load() { // while it was loaded, perhaps: see request.commit
		l.begun, l.reseal = true, false
	}
}

// from loads the session for somebody who relies on it.
func (s *Session[T]) from(ctx context.Context) *Session[T] {
	if l := s.load(ctx); l.err != nil {
		if s.lock() {
			defer s.turn.Unlock()
		}
		l.relied = true
	}
	return s
}

// apply changes the state by fn, or leaves it where fn fails.
func (l *live[T]) apply(fn func(*T) error) error {
	draft := l.draft()
	*draft = l.value
	if err := l.call(func() error { return fn(draft) }); err != nil {
		return err
	}
	l.publish()
	return nil
}

// grant does what was asked for inside of a callback.
func (l *live[T]) grant() {
	for l.changes != nil && len(l.wishes) > 0 {
		wish := l.wishes[0]
		l.wishes = l.wishes[1:]
		wish(l)
	}
}

// publish lets the accessors see the state that a callback has worked on.
func (l *live[T]) publish() {
	if !l.shared {
		return
	}
	l.mu.Lock()
	l.value = l.scratch
	l.mu.Unlock()
}

// open returns the changes, of which there may be none yet.
func (l *live[T]) open() *changes[T] {
	if l.changes == nil {
		l.changes = new(changes[T])
		l.updates = l.few[:0]
	}
	return l.changes
}

// draft returns where the state is worked on: a place of its own once others
// may look at the session, so that loading it needs none.
func (l *live[T]) draft() *T {
	if !l.shared {
		return &l.value
	}
	return &l.open().scratch
}

// changed notes that the application has changed the state.
func (l *live[T]) changed() {
	l.show(func(v *view) {
		if v.status != StatusRenewed {
			v.status = StatusChanged
		}
	})
}

// transact runs fn on the state that the store holds now, and saves the result.
func (l *live[T]) transact(ctx context.Context, fn func(*T) error) (err error) {
	c, done := l.open(), false
	defer func() {
		if !done {
			if undo := l.undo(); err == nil {
				err = undo
			}
		}
	}()
	if err := l.refresh(ctx); err != nil {
		return err
	}
	err = l.save(ctx, func() error {
		c.wishes = nil
		return l.apply(fn)
	})
	done = err == nil
	return err
}

// undo takes back what a callback that failed or panicked has asked for, and what
// it has changed in place, in a map for instance.
func (l *live[T]) undo() error {
	l.open().wishes = nil
	return l.rebuild(l.base())
}

// rebuild implements stater.
func (l *live[T]) rebuild(encoded []byte) error {
	var zero T
	draft := l.draft()
	*draft = zero
	if encoded == nil {
		*draft = l.m.initial()
	} else if err := l.m.decode(encoded, draft); err != nil {
		return err
	}
	c := l.changes
	if c == nil {
		return nil
	}
	wishes := c.wishes
	c.wishes = nil
	if len(c.updates) > 0 {
		_ = l.call(func() error {
			for _, update := range c.updates {
				update(draft)
			}
			return nil
		})
	}
	l.publish()
	l.grant() // an update may ask for more of a fresher state
	c.wishes = wishes
	return nil
}

// encode implements stater.
func (l *live[T]) encode(dst []byte) ([]byte, error) { return l.m.encode(dst, &l.value) }

// initial implements stater.
func (l *live[T]) initial() ([]byte, error) {
	if l.m.zero != nil {
		return l.m.zero, nil
	}
	state := l.m.initial()
	return l.m.encode(nil, &state)
}

// owner implements stater.
func (l *live[T]) owner() string {
	if l.m.subject == nil {
		return ""
	}
	return l.m.subject(&l.value)
}

// label implements stater.
func (l *live[T]) label() string {
	if l.m.label == nil || l.request == nil {
		return ""
	}
	label := strings.ToValidUTF8(l.m.label(l.request, &l.value), "")
	for n := maxLabel; len(label) > maxLabel; n-- {
		if utf8.RuneStart(label[n]) {
			label = label[:n]
		}
	}
	return label
}
