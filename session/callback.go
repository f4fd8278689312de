package session

import (
	"reflect"
	"runtime"
)

// callback runs a function of the application's. It is a function of its own so
// that insideCallback finds it on the stack.
//
//go:noinline
func callback(fn func() error) error { return fn() }

var callbackEntry = reflect.ValueOf(callback).Pointer()

// insideCallback reports whether the calling goroutine runs a callback. It costs
// some microseconds and is only asked when the session is busy.
func insideCallback() bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Entry == callbackEntry {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
