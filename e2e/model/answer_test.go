package model_test

import (
	"errors"
	"slices"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

var (
	errDropped = errors.New("store: lost")
	errLost    = errors.New("store: answer lost")
	errLate    = errors.New("store: given up")
)

// answer makes the call that a request has stopped at, or breaks it.
func (w *world) answer(r *request, how verb) {
	c := r.call
	r.tried = r.tried || c.op == "create"
	write := c.op != "load" && c.op != "list"
	text := c.describe(&w.model)
	switch {
	case !write && (how == late || how == lose):
		how = drop
	}
	extension := c.op == "update" && w.extends(&r.actor)
	switch how {
	case drop:
		c.err = errDropped
	case lose:
		if err := w.perform(c); err == nil {
			w.made(copied(&r.actor), c, false)
		}
		c.err = errLost
	case late:
		w.flights = append(w.flights, flight{*copied(&r.actor), c})
		c.err = errLate
	case crash:
		r.killed = true
	case crashAfter:
		if err := w.perform(c); err == nil {
			w.made(copied(&r.actor), c, false)
		}
		r.killed = true
	default:
		switch {
		case how == cutRequest && w.setup.proxy != nil:
			w.setup.proxy.LoseRequest(func() { w.setup.cuts.Add(1) })
		case how == cutAnswer && w.setup.proxy != nil:
			w.setup.proxy.LoseAnswer(func() { w.setup.cuts.Add(1) })
		}
		c.err = w.perform(c)
		w.answered(r, c)
		how = goOn
	}
	if how == goOn {
		w.add("%s%s", text, answerOf(c.err))
	} else {
		w.add("%s (%v)", text, how)
		if r.loading && !r.killed {
			r.loading, r.broken = false, true
		}
		r.refresh = r.refresh && c.op != "load"
		if c.op == "update" && !r.killed && !extension {
			r.unanswered(c.rec.Rev)
		}
		r.vain = r.vain || extension
		r.fault = true
		if r.sess != nil {
			w.unlimit(r.sess.state.User)
		}
		w.unlimit(c.user)
	}
	w.resume(r)
}

// perform makes a call. On the real clock a deletion has a millisecond of its own, so
// that no request arrives in it.
func (w *world) perform(c *call) error {
	if !w.timed && (c.op == "delete" || c.op == "revoke") {
		time.Sleep(2 * time.Millisecond)
		defer time.Sleep(2 * time.Millisecond)
	}
	return c.do()
}

func copied(a *actor) *actor {
	c := *a
	c.pending = slices.Clone(a.pending)
	return &c
}

// made tells the model of a call that has succeeded.
func (w *world) made(a *actor, c *call, answered bool) {
	switch c.op {
	case "create":
		w.created(a, &c.rec, c.at, answered)
	case "update":
		w.updated(a, &c.rec, c.at, answered)
	case "delete":
		w.removed(a, c.id, answered)
	case "revoke":
		w.noteRevocation(c.user, c.before)
		for _, id := range c.deleted {
			w.removed(a, id, answered)
		}
	}
}

// answered tells the model of a call and its answer.
func (w *world) answered(r *request, c *call) {
	switch {
	case c.op == "list":
		r.asked, r.askedFor = w.clock, c.user
	case c.op == "load" && (c.err == nil || errors.Is(c.err, session.ErrNotFound)):
		w.loaded(&r.actor, c.id, c.at)
	case c.err == nil:
		w.made(&r.actor, c, true)
	case c.op == "update" && errors.Is(c.err, session.ErrConflict):
		r.vain = r.vain || w.extends(&r.actor)
		w.refused(&r.actor, c.id, false)
	case c.op == "update" && errors.Is(c.err, session.ErrNotFound):
		w.refused(&r.actor, c.id, true)
	case c.op == "create" && errors.Is(c.err, store.ErrExists):
		if r.ghost = w.byID(c.id); r.ghost == nil {
			w.fail("%s: told that an ID is in use that nobody has", r.name)
		}
	case errors.Is(c.err, session.ErrRevoked):
		w.refusedLogin(&r.actor, &c.rec)
	case w.setup.proxy != nil:
		w.unknown = true
	default:
		w.fail("%s: %s: %v", r.name, c.op, c.err)
	}
}

// land makes the first call that was given up.
func (w *world) land() {
	if len(w.flights) == 0 {
		return
	}
	f := w.flights[0]
	w.flights = w.flights[1:]
	text := f.call.describe(&w.model)
	err := w.perform(f.call)
	if err == nil {
		w.made(&f.actor, f.call, false)
	}
	w.add("%s of %s%s", text, f.name, answerOf(err))
}
