package model_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// The timeouts.
const (
	idleTimeout     = 10 * time.Minute
	absoluteTimeout = 25 * time.Minute
	grace           = 30 * time.Second // for a superseded secret
)

// waits are the times that a schedule may let pass. They hit every side of the
// timeouts.
var waits = [...]time.Duration{2 * time.Millisecond, grace, idleTimeout/10 + time.Millisecond, idleTimeout - time.Millisecond, idleTimeout}

// setup is what a schedule runs on.
type setup struct {
	store      store.SubjectIndex
	processes  bool // every tab talks to a process of its own
	perSubject int
	sealed     bool             // SealRecords
	proxy      *redistest.Proxy // nil: the store has no network, and time is a bubble's
	cuts       *atomic.Int64    // how often the proxy has broken a connection
}

// world runs one schedule.
type world struct {
	model
	trace
	setup    setup
	managers [len(slots)]*session.Manager[State]
	plain    *session.Manager[State] // for looking at sessions
	requests [len(slots)]*request    // nil: nothing runs there
	browsers map[byte]*browser
	flights  []flight
	issued   []string // tokens, in order
	marks    int
	unknown  bool // the network was too slow for the store, and nobody knows what it holds
}

// flight is a write that the request has given up and that is made all the same.
type flight struct {
	actor
	call *call
}

var quiet = slog.New(slog.DiscardHandler)

// run runs a schedule, and then looks at everything that is left. It returns what
// went wrong, if anything.
func run(s setup, schedule []step) (failure string, what *trace) {
	w := &world{
		setup: s,
		model: model{
			timed: s.proxy == nil, perSubject: s.perSubject,
			tokens: map[string]token{}, redeemed: map[int]bool{}, unlimited: map[string]bool{},
			revocations: map[string]time.Time{},
		},
		browsers: map[byte]*browser{'A': {}, 'B': {}},
	}
	key := session.NewKey()
	manager := func(extend session.ExtendPolicy) *session.Manager[State] {
		m, err := session.NewManager(gate{s.store}, session.Config[State]{
			Keys:                  []session.Key{key},
			Subject:               func(st *State) string { return st.User },
			IdleTimeout:           idleTimeout,
			AbsoluteTimeout:       absoluteTimeout,
			MaxSessionsPerSubject: s.perSubject,
			SealRecords:           s.sealed,
			Extend:                extend,
			Observer:              observe,
			Logger:                quiet,
		})
		if err != nil {
			panic(err)
		}
		return m
	}
	w.plain = manager(session.ExtendOnChange)
	shared := manager(session.ExtendOnRequest)
	for i := range w.managers {
		if w.managers[i] = shared; s.processes {
			w.managers[i] = manager(session.ExtendOnRequest)
		}
	}
	defer w.abandon()
	for _, st := range schedule {
		if w.do(st); w.over() {
			break
		}
	}
	w.trace.steps = len(w.lines)
	if !w.over() {
		w.quiesce()
	}
	if !w.over() {
		w.inspect()
	}
	if w.unknown {
		return "", nil
	}
	return w.failure, &w.trace
}

func (w *world) over() bool { return w.failure != "" || w.unknown }

// observe takes note that a request was told that something went wrong.
func observe(ctx context.Context, e session.Event) {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return
	}
	switch e.Kind {
	case session.EventFailed, session.EventRejected, session.EventSuperseded:
		r.reported = true
	}
}

// do does one step, and leaves no trace of one that does nothing.
func (w *world) do(s step) {
	w.begin(s.who())
	defer w.close()
	switch s.verb {
	case wait:
		if w.timed && (s.arg == 0 || !w.calling()) {
			time.Sleep(waits[s.arg])
			w.add("%v", waits[s.arg])
			w.collect()
		}
		return
	case land:
		w.land()
		return
	}
	switch r := w.requests[s.slot]; {
	case r == nil:
		w.start(s)
	case s.verb == finish:
		w.finish(r)
	default:
		w.advance(r, s)
	}
}

// calling reports whether a save is half done. It takes seconds at most, wherever
// it got stuck: a commit gives up after ten, and the tombstone of a deleted session
// and a revocation last for a quarter of an hour. A creation that has failed may be
// tried again, so that it is half done until then.
func (w *world) calling() bool {
	for _, r := range w.requests {
		if r != nil && (r.at == atCall || r.at == running || r.tried && r.sess == nil) {
			return true
		}
	}
	return len(w.flights) > 0
}

// who says whose step it is.
func (s step) who() string {
	switch s.verb {
	case wait, land:
		return s.verb.String()
	}
	return slots[s.slot]
}

// start begins a request.
func (w *world) start(s step) {
	r := &request{slot: s.slot, stopped: make(chan place, 1), resume: make(chan struct{}), w: httptest.NewRecorder()}
	r.name, r.since = slots[s.slot], w.clock
	if slots[s.slot] == admin {
		if r.op = w.administration(r, s); r.op == nil {
			return
		}
		w.requests[s.slot] = r
		w.add("%s", r.op.text)
		go r.administer()
		w.await(r)
		return
	}
	b := w.browsers[r.name[0]]
	switch s.verb {
	case goOn, drop, lose, late, crash, crashAfter, cutRequest, cutAnswer, look:
		return // there is nothing to go on with, or to break
	case replay:
		if len(b.history) == 0 {
			return
		}
		r.cookie = b.history[max(0, len(b.history)-1-s.arg)]
		w.add("begins with an old cookie")
	default:
		r.cookie, r.browser = b.cookie, b
		w.add("begins")
		if r.looksLate = s.verb == beginLate; r.looksLate {
			w.add("and looks later")
		}
	}
	r.loading = r.cookie != ""
	switch s.verb {
	case begin, beginLate, finish, replay:
	default:
		r.first = w.operation(r, s)
	}
	w.requests[s.slot] = r
	go r.serve(w.managers[s.slot])
	w.await(r)
	if r.first != nil {
		w.add("to %s", r.first.text)
		r.first.text = r.first.verb.String()
	}
	if s.verb == finish {
		w.finish(r)
	}
}

// finish lets a request go on until it is over, or has to wait for another one.
func (w *world) finish(r *request) {
	for w.requests[r.slot] == r && !w.over() {
		if r.at == running {
			w.await(r)
		}
		if r.at == running {
			return
		}
		w.advance(r, step{slot: r.slot})
	}
}

// advance lets a request go on from where it has stopped.
func (w *world) advance(r *request, s step) {
	switch r.at {
	case running:
	case atCall:
		w.answer(r, s.verb)
	case atHandler:
		op := w.operation(r, s)
		if r.s == nil && op.verb != goOn && op.verb != finish && op.verb != crash {
			op = &operation{verb: look, text: look.String(), do: func(context.Context, *request) error { return nil }}
		}
		w.command(r, op)
	case atEnd:
		w.requests[r.slot] = nil
		switch {
		case s.verb == drop || s.verb == lose || s.verb == crash:
			w.add("the answer never arrives")
		case r.browser != nil:
			r.browser.keep(told(r.w))
			w.add("the answer arrives")
		}
	}
}

// command has a handler do something.
func (w *world) command(r *request, op *operation) {
	w.add("%s", op.text)
	r.op, r.result, r.fault, r.since = op, "", false, w.clock
	if op.tell != nil {
		op.tell(&r.actor)
	}
	w.resume(r)
}

// resume lets a request run on until it stops again.
func (w *world) resume(r *request) {
	r.at = running
	r.resume <- struct{}{}
	w.await(r)
}

// await waits until a request has stopped, or waits for something.
func (w *world) await(r *request) {
	if !w.timed {
		r.at = <-r.stopped
		w.arrived(r)
		return
	}
	w.collect()
	if r.at == running && w.requests[r.slot] == r {
		time.Sleep(longestPause)
		w.collect()
	}
	if r.at == running && w.requests[r.slot] == r {
		w.add("waits in line")
	}
}

// longestPause is the longest that the manager pauses between two attempts.
const longestPause = 33 * time.Millisecond

// collect takes note of who has stopped.
func (w *world) collect() {
	synctest.Wait()
	for _, r := range w.requests {
		if r == nil {
			continue
		}
		select {
		case r.at = <-r.stopped:
			w.arrived(r)
		default:
		}
	}
}

// quiesce brings everything that runs or flies to its end.
func (w *world) quiesce() {
	for busy := true; busy && !w.over(); {
		busy = false
		for _, r := range w.requests {
			if r != nil && !w.over() {
				busy = true
				w.begin(r.name)
				w.finish(r)
				w.close()
			}
		}
	}
	for len(w.flights) > 0 && !w.over() {
		w.begin(land.String())
		w.land()
	}
}

// abandon ends what still runs, so that its goroutines do.
func (w *world) abandon() {
	for i, r := range w.requests {
		if r == nil || r.at == atEnd {
			continue
		}
		for r.killed = true; r.at != atEnd; {
			if r.at != running {
				r.at = running
				r.resume <- struct{}{}
			}
			if w.timed {
				time.Sleep(time.Second)
			}
			r.at = <-r.stopped
		}
		w.requests[i] = nil
	}
}
