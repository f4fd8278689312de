package model_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/typedsession/typedsession/session"
)

// operation returns what a step has a handler do.
func (w *world) operation(r *request, s step) *operation {
	op := &operation{verb: s.verb, text: s.verb.String(), do: func(context.Context, *request) error { return nil }}
	changes := func(fn func(*State)) {
		op.do = func(_ context.Context, r *request) error {
			r.s.Update(fn)
			return nil
		}
		op.tell = func(a *actor) { a.pending = append(a.pending, func(st *State) error { fn(st); return nil }) }
	}
	transacts := func(fn func(*State) error) {
		op.do = func(ctx context.Context, r *request) error { return r.s.Transact(ctx, fn) }
		op.tell = func(a *actor) { a.tx, a.refresh = fn, a.sess != nil }
	}
	mark := func() int {
		w.marks++
		op.text += fmt.Sprint(" ", w.marks)
		return w.marks
	}
	switch s.verb {
	case update:
		n := mark()
		changes(func(st *State) { st.Log = append(st.Log, n) })
	case issue:
		n := mark()
		changes(func(st *State) { st.Codes = append(st.Codes, n) })
	case login:
		user := users[s.arg%len(users)]
		op.text += " " + user
		changes(func(st *State) { st.User = user })
	case signIn:
		user := users[s.arg%len(users)]
		op.text += " as " + user
		changes(func(st *State) { st.User = user })
		update := op.tell
		op.do = func(_ context.Context, r *request) error {
			r.s.Login(func(st *State) { st.User = user })
			return nil
		}
		op.tell = func(a *actor) { update(a); a.renew, a.login = true, true }
	case confirm:
		op.do = func(_ context.Context, r *request) error {
			r.s.Login(nil)
			return nil
		}
		op.tell = func(a *actor) { a.renew, a.login = true, true }
	case logout:
		changes(func(st *State) { st.User = "" })
	case wipe:
		changes(func(st *State) { *st = State{} })
		op.do = func(_ context.Context, r *request) error {
			r.s.Clear()
			return nil
		}
	case transact:
		n := mark()
		transacts(func(st *State) error { st.Log = append(st.Log, n); return nil })
	case refuse:
		n := mark()
		transacts(func(st *State) error { st.Log = append(st.Log, n); return errRefused })
	case redeem:
		transacts(func(st *State) error {
			if len(st.Codes) == 0 {
				return errNoCode
			}
			r.redeemed = st.Codes[0]
			st.Codes = slices.Delete(slices.Clone(st.Codes), 0, 1)
			if len(st.Codes) == 0 {
				st.Codes = nil // as an initial state has it, which is worth no record
			}
			return nil
		})
	case save:
		op.do = func(ctx context.Context, r *request) error { return r.s.Save(ctx) }
	case renew:
		op.do = func(_ context.Context, r *request) error {
			r.s.Renew()
			return nil
		}
		op.tell = func(a *actor) { a.renew = true }
	case destroy:
		op.do = func(_ context.Context, r *request) error {
			r.s.Destroy()
			return nil
		}
		op.tell = func(a *actor) {
			a.loggedOut = a.muted
			switch {
			case a.sess != nil:
				a.doomed = a.sess
			case a.lapsed != nil && !a.muted && a.doomed == nil:
				a.doomed, a.lapsed = a.lapsed, nil
			}
			if a.tell = ""; a.cookie != "" && !a.muted {
				a.tell = "expired"
			}
			a.sess, a.seen, a.missed = nil, State{}, false
			a.forget()
		}
	case others:
		op.do = func(ctx context.Context, r *request) (err error) {
			r.number, err = r.s.RevokeOthers(ctx)
			return err
		}
		op.tell = func(a *actor) {
			want := w.wanted(a, a.seen)
			// Its own ID is spared, even if it was not told that it is in use.
			a.user, a.except, a.revoking, a.destroyed = want.User, w.byID(r.s.ID()), true, 0
		}
	case write, crash:
	case finish:
		op.text = "return"
	default:
		op.verb, op.text = goOn, "return"
	}
	return op
}

// administration returns what a step has the administrator do, nil for nothing.
func (w *world) administration(r *request, s step) *operation {
	m := w.managers[s.slot]
	op := &operation{verb: s.verb, text: s.verb.String()}
	r.user = users[s.arg%len(users)]
	switch s.verb {
	case revoke:
		op.text += " " + r.user
		r.revoking = true
		op.do = func(ctx context.Context, r *request) (err error) {
			r.number, err = m.RevokeSubject(ctx, r.user)
			return err
		}
	case revokeID:
		if len(w.sessions) == 0 {
			return nil
		}
		r.target = w.sessions[max(0, len(w.sessions)-1-s.arg)]
		op.text += " " + r.target.name
		op.do = func(ctx context.Context, r *request) error { return m.Revoke(ctx, r.target.id) }
	case list:
		op.text += " " + r.user
		op.do = func(ctx context.Context, r *request) (err error) {
			r.ids, err = idsOf(ctx, m, r.user)
			return err
		}
	default:
		return nil
	}
	return op
}

// idsOf returns the IDs of a user's sessions.
func idsOf(ctx context.Context, m *session.Manager[State], user string) (ids []session.ID, err error) {
	infos, err := m.Sessions(ctx, user)
	for _, info := range infos {
		ids = append(ids, info.ID)
	}
	return ids, err
}

// arrived takes note that a request has stopped.
func (w *world) arrived(r *request) {
	if r.arrivedAt.IsZero() {
		r.arrivedAt = time.Now()
	}
	switch r.at {
	case atHandler:
		if r.op != nil {
			w.handled(r)
		}
		w.look(r)
		if op := r.first; op != nil && !w.over() {
			r.first = nil
			w.command(r, op)
		}
	case atEnd:
		w.ended(r)
	}
}

// handled checks what an operation of a handler came to.
func (w *world) handled(r *request) {
	if r.result != "" {
		w.add("which says %q", r.result)
	}
	switch r.op.verb {
	case save, transact, refuse, redeem:
		if r.op.verb == redeem && r.result == "" {
			if w.redeemed[r.redeemed] {
				w.fail("%s: code %d was redeemed before", r.name, r.redeemed)
			}
			w.redeemed[r.redeemed] = true
		}
		w.saved(&r.actor, r.result, r.fault)
	case others:
		w.administered(r)
		r.revoking = false
		r.arrivedAt = time.Now() // the revocation does not cover its own login
	case write:
		if !r.begun {
			w.committed(r)
		}
	}
}

// administered checks what a revocation or a list came to.
func (w *world) administered(r *request) {
	switch {
	case r.result == unavailable && (r.fault || r.broken):
	case strings.HasPrefix(r.result, "error: ") && r.user == "": // it would mean everybody who is nobody
	case r.result != "":
		w.fail("%s: %s: %s", r.name, r.op.verb, r.result)
	case r.op.verb == list:
		w.listed(r.name, r.user, r.since, r.ids)
	case r.op.verb == revokeID:
		if w.live(r.target) {
			w.fail("%s: revoked %s, which is still there", r.name, r.target.name)
		}
	default:
		w.revoked(&r.actor, r.number)
	}
}

// look compares what a handler sees with what it must.
func (w *world) look(r *request) {
	if r.s == nil {
		return
	}
	if broken := r.s.Err() != nil; broken || r.broken {
		if broken != r.broken {
			w.fail("%s: the session's error is %q", r.name, result(r.s.Err()))
		}
		return
	}
	got, want := r.s.State(), w.wanted(&r.actor, r.seen)
	if !got.equal(&want) {
		w.fail("%s: sees %v, and should see %v", r.name, &got, &want)
	}
	if r.sess != nil && r.s.ID() != r.sess.id {
		w.fail("%s: sees another session than %s", r.name, r.sess.name)
	}
}

// ended takes note that the goroutine of a request has returned.
func (w *world) ended(r *request) {
	switch {
	case r.killed:
		w.add("dies")
		w.requests[r.slot] = nil
	case r.panicked:
		w.requests[r.slot] = nil
		if r.op == nil || r.op.verb != crash {
			w.fail("%s: panicked", r.name)
		}
	case slots[r.slot] == admin:
		w.requests[r.slot] = nil
		w.administered(r)
	case !r.begun:
		w.committed(r)
	case r.w.Code == http.StatusOK && !w.idleWant(&r.actor) && !r.reported:
		w.fail("%s: a change after the response is lost without a word", r.name)
	}
}

// committed checks a response.
func (w *world) committed(r *request) {
	code := r.w.Code
	if code != http.StatusOK {
		w.add("status %d", code)
	}
	x := r.sess
	switch {
	case r.broken:
		if code != http.StatusServiceUnavailable {
			w.fail("%s: status %d, though the session could not be loaded", r.name, code)
		}
	case code == http.StatusConflict:
		w.saved(&r.actor, notFound, r.fault)
	case code != http.StatusOK:
		if !r.fault {
			w.fail("%s: status %d", r.name, code)
		}
	default:
		w.saved(&r.actor, "", false)
	}
	if overdue := idleTimeout.Milliseconds() / 10; w.timed && x != nil && w.live(x) && code == http.StatusOK && !r.fault && !r.vain &&
		!r.loadedAt.IsZero() && r.loadedAt.UnixMilli()-x.used > overdue && x.expires < x.end() {
		w.fail("%s: %s was used, but not extended", r.name, x.name)
	}

	want := r.tell
	if code != http.StatusOK && want == "expired" || r.broken {
		want = "" // the session may still be there
	}
	got, c := "", told(r.w)
	if c != nil {
		if got = "set"; c.MaxAge < 0 {
			got = "expired"
		}
		w.add("cookie %s", got)
	}
	if got != want {
		w.fail("%s: the cookie is %q, and should be %q", r.name, got, want)
	} else if got == "set" {
		w.tokens[c.Value] = token{r.sess, r.gen}
		w.issued = append(w.issued, c.Value)
	}
	r.begun, r.tell = true, ""
}
