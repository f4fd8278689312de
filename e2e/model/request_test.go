package model_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// request is one request that runs, or one call of the administrator's. Its
// goroutine and the schedule take turns: what the one does while the other
// waits needs no lock.
type request struct {
	actor
	slot    int
	browser *browser
	s       *session.Session[State]
	w       *httptest.ResponseRecorder

	at       place
	stopped  chan place    // where it has stopped
	resume   chan struct{} // it may go on
	killed   bool          // rather end
	call     *call         // the one it has stopped at, or the last one
	op       *operation    // what the handler does
	result   string        // what that came to
	number   int           // of sessions that were revoked
	ids      []session.ID  // that were listed
	redeemed int
	first    *operation // what its handler begins with

	looksLate bool // it has not looked at its session when its handler begins

	tried    bool // it has begun to create a session
	vain     bool // it has tried in vain to extend its session
	panicked bool
	reported bool // an event has told of something that went wrong
}

// operation is something that a handler does. It returns the error of what can
// fail.
type operation struct {
	verb verb
	text string
	do   func(ctx context.Context, r *request) error
	tell func(a *actor) // tells the model beforehand
}

var (
	errRefused = errors.New("the transaction fails")
	errNoCode  = errors.New("there is no code")
)

// What an operation may come to.
const (
	notFound    = "not found"
	committed   = "committed"
	unavailable = "unavailable"
	covered     = "revoked" // by a revocation that covers the login
)

// result says what an error is, without anything that differs between two runs
// of one schedule.
func result(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, session.ErrNotFound):
		return notFound
	case errors.Is(err, session.ErrCommitted):
		return committed
	case errors.Is(err, session.ErrUnavailable):
		return unavailable
	case errors.Is(err, session.ErrConflict):
		return "conflict"
	case errors.Is(err, session.ErrRevoked):
		return covered
	case errors.Is(err, errRefused), errors.Is(err, errNoCode):
		return err.Error()
	}
	return "error: " + err.Error()
}

// browser keeps one cookie as a browser does.
type browser struct {
	cookie  string
	history []string // the cookies that it had before
}

// keep does what an answer says about the cookie.
func (b *browser) keep(told *http.Cookie) {
	if told == nil {
		return
	}
	if b.cookie != "" {
		b.history = append(b.history, b.cookie)
	}
	b.cookie = told.Value
	if told.MaxAge < 0 {
		b.cookie = ""
	}
}

const cookieName = "__Host-session"

// told returns what a response says about the session's cookie, nil where it
// says nothing.
func told(w *httptest.ResponseRecorder) *http.Cookie {
	for _, c := range w.Result().Cookies() {
		if c.Name == cookieName {
			return c
		}
	}
	return nil
}

// newHTTP returns a request with a cookie.
func newHTTP(ctx context.Context, cookie string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+cookie)
	}
	return r
}

// serve is the goroutine of a request.
func (r *request) serve(m *session.Manager[State]) {
	ctx := context.WithValue(context.Background(), requestKey{}, r)
	defer func() {
		if !r.killed {
			r.panicked = recover() != nil
		}
		r.stopped <- atEnd
	}()
	m.Wrap(http.HandlerFunc(r.handle)).ServeHTTP(r.w, newHTTP(ctx, r.cookie))
}

func (r *request) handle(w http.ResponseWriter, req *http.Request) {
	if !r.looksLate {
		r.s = session.From[State](req.Context())
	}
	for {
		r.stop(atHandler)
		switch r.op.verb {
		case goOn, finish:
			return
		case crash:
			panic("the handler panics")
		case look:
			r.s = session.From[State](req.Context())
		case write:
			_, _ = w.Write([]byte("done"))
		}
		r.result = result(r.op.do(req.Context(), r))
	}
}

// administer is the goroutine of a call of the administrator's.
func (r *request) administer() {
	defer func() {
		r.stopped <- atEnd
	}()
	ctx := context.WithValue(context.Background(), requestKey{}, r)
	r.result = result(r.op.do(ctx, r))
}

// describe says what a call of the store is.
func (c *call) describe(m *model) string {
	text := c.op
	if x := m.byID(c.id); x != nil {
		text += " " + x.name
	} else if c.id != (session.ID{}) {
		text += " a new session"
	}
	if c.user != "" {
		text += " of " + c.user
	}
	return text
}

// answerOf says what a call of the store was answered.
func answerOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, session.ErrNotFound):
		return " (not found)"
	case errors.Is(err, session.ErrConflict):
		return " (conflict)"
	case errors.Is(err, store.ErrExists):
		return " (exists)"
	case errors.Is(err, store.ErrRevoked):
		return " (revoked)"
	}
	return " (" + strings.TrimPrefix(err.Error(), "store: ") + ")"
}
