package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// clockPage is what the clock's page shows.
type clockPage struct {
	Time  string // to begin with, and for a browser without JavaScript
	Tells bool   // whether the store tells at once that a session has ended
}

func (sh *shop) showClock(w http.ResponseWriter, r *http.Request, _ *session.Session[State], _ User) {
	// The one page with a script: the browser has no other way to listen.
	w.Header().Set("Content-Security-Policy", contentSecurity+"; script-src 'self'; connect-src 'self'")
	_, tells := sh.store.(store.Notifier)
	sh.show(w, r, http.StatusOK, "clock", "Clock", clockPage{clockTime(time.Now()), tells})
}

// stall is how long a browser may leave what it was sent unread.
const stall = 10 * time.Second

// streamClock sends the time each second for as long as the session lives, as
// server-sent events. A response that has begun is not
// sent its cookie again, so Watch tells when the session was signed out elsewhere.
//
// The response just ends then. The browser asks again by itself, with the cookie
// that it has by now: one that has only been renewed goes on, and if its
// session has ended, the answer says so. An error would not do,
// because an EventSource keeps from its page which error it was.
func (sh *shop) streamClock(w http.ResponseWriter, r *http.Request) {
	s := session.From[State](r.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if s.State().UserID == "" {
		fmt.Fprint(w, "event: ended\ndata: signed out\n\n")
		return
	}
	ctx := s.Watch(r.Context())
	out := http.NewResponseController(w)
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	fmt.Fprint(w, "retry: 1000\n") // milliseconds until the browser asks again
	for now := time.Now(); ; {
		// The server's WriteTimeout counts from the request on and would cut
		// this short. A browser that has gone silent must not hold it all the
		// same. A writer without deadlines has no timeout to move either.
		_ = out.SetWriteDeadline(now.Add(stall))
		fmt.Fprintf(w, "data: %s\n\n", clockTime(now))
		if out.Flush() != nil {
			return
		}
		select {
		case now = <-ticks.C:
		case <-ctx.Done():
			return
		case <-sh.closing: // or the shop would wait for the browser to go
			return
		}
	}
}

func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }
