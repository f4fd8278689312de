package session

import (
	"context"
	"runtime"
)

// lock takes the session's turn, or returns false inside a callback of the
// session, whose goroutine has it already: waiting there would be for ever. To
// tell that from waiting for another goroutine, the stack is searched for a
// callback, but only when the turn is taken and a callback of this session is
// running, which is rare.
//
// Go does not tell one goroutine from another, so one case is mistaken: inside
// a callback of one session another session is used, in the moment in which a
// second goroutine runs a callback of that one.
func (s *Session[T]) lock() bool {
	if s.turn.TryLock() {
		return true
	}
	if l := s.live.Load(); l != nil && l.calling.Load() && insideCallback() {
		return false
	}
	s.turn.Lock()
	return true
}

// enter takes the session's turn. It panics inside a callback of the session.
func (s *Session[T]) enter(method string) {
	if !s.lock() {
		panic("session: " + method + " called inside Update or Transact of the same session")
	}
}

// unlock gives back the turn and then reports what happened meanwhile, since an
// observer may use the session.
func (s *Session[T]) unlock(ctx context.Context) {
	if events := s.release(); len(events) > 0 {
		s.m.core.emit(ctx, events)
	}
}

// release gives back the turn, also where what is granted first panics, and
// returns what is to be reported.
func (s *Session[T]) release() (events []Event) {
	defer s.turn.Unlock()
	if l := s.live.Load(); l != nil {
		l.grant()
		events, l.events = l.events, nil
	}
	return events
}

// call runs a function of the application's.
func (l *live[T]) call(fn func() error) error {
	l.calling.Store(true)
	defer l.calling.Store(false)
	return callback(fn)
}

// callback is there for its name on the stack, which insideCallback looks for.
//
//go:noinline
func callback(fn func() error) error { return fn() }

const callbackName = "github.com/typedsession/typedsession/session.callback"

func insideCallback() bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Function == callbackName {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
