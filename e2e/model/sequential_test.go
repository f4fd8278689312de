package model_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// sess is one session as it must be.
type sess struct {
	name    string
	id      session.ID
	state   State
	rev     store.Rev
	gone    int // the tick at which it was deleted; 0: it was not
	gen     int // of its secret: each renewal makes a new one
	created int64
	used    int64 // when the idle timeout began, in Unix milliseconds like the others
	renewed int64
	expires int64
	owners  []owner
}

// owner is who a session belonged to, from one tick of the model's clock until
// the next owner's.
type owner struct {
	user string
	from int
}

// token is what a cookie leads to.
type token struct {
	sess *sess
	gen  int
}

// model is what the sessions must be. Its methods are told of everything in the
// order in which it happens, and take note of the first thing that should not.
type model struct {
	timed      bool // time is the bubble's, and known exactly
	perSubject int

	clock       int
	sessions    []*sess
	tokens      map[string]token
	redeemed    map[int]bool
	unlimited   map[string]bool      // users for whom MaxSessionsPerSubject was not brought about
	revocations map[string]time.Time // the latest of each user
	failure     string
}

func (m *model) fail(format string, args ...any) {
	if m.failure == "" {
		m.failure = fmt.Sprintf(format, args...)
	}
}

func (m *model) byID(id session.ID) *sess {
	for _, x := range m.sessions {
		if x.id == id {
			return x
		}
	}
	return nil
}

// live reports whether a session can be loaded now.
func (m *model) live(x *sess) bool {
	return x != nil && x.gone == 0 && time.Now().UnixMilli() < x.expires
}

// was reports whether a session was a user's at some time since then.
func (x *sess) was(user string, since int) bool {
	if x.gone != 0 && x.gone < since {
		return false
	}
	for i, o := range x.owners {
		if o.user == user && (i+1 == len(x.owners) || x.owners[i+1].from >= since) {
			return true
		}
	}
	return false
}

// wanted returns what a request would make of a state.
func (m *model) wanted(a *actor, base State) State {
	st := base.clone()
	for _, c := range a.pending {
		_ = c(&st) // only transactions fail
	}
	if a.tx != nil {
		if err := a.tx(&st); err != nil {
			m.fail("%s: a transaction that fails on %v was saved", a.name, &base)
		}
	}
	return st
}

// idleWant reports whether a request wants nothing that needs a write.
func (m *model) idleWant(a *actor) bool {
	if a.renew && (a.sess != nil || a.muted) {
		return false
	}
	want := m.wanted(a, a.seen)
	return want.equal(&a.seen)
}

// extends reports whether a write of a request is to extend its session, and
// nothing else. One that takes a lost write back looks like it.
func (m *model) extends(a *actor) bool {
	back := len(a.lost) > 0 && (len(a.pending) > 0 || a.tx != nil)
	return m.idleWant(a) && !back
}

// adopt tells a request what its session holds, or that its token is dead.
func (m *model) adopt(a *actor, x *sess) {
	if a.sess == x && a.rev != x.rev {
		if a.gen != x.gen && slices.Contains(a.lost, x.rev) { // it has renewed it itself
			a.gen, a.tell = x.gen, "set"
		}
		a.lost = nil
	}
	if !m.live(x) || !a.opens(x) {
		m.end(a)
		return
	}
	a.seen = x.state.clone()
	a.rev = x.rev
	if made, ok := a.unsure[x.rev]; ok {
		a.pending, a.unsure = a.pending[len(made):], nil
	}
}

// end tells a request that its session has ended under it.
func (m *model) end(a *actor) {
	a.sess, a.seen = nil, State{}
	a.muted, a.tell = true, ""
}

// lapse ends the session of a request where its time has come: the request looks
// at the clock by itself, too.
func (m *model) lapse(a *actor) {
	if x := a.sess; x != nil && x.gone == 0 && !m.live(x) {
		m.end(a)
	}
}

// loaded is told that the store has answered a load.
func (m *model) loaded(a *actor, id session.ID, began time.Time) {
	x := m.byID(id)
	switch {
	case a.loading:
		a.loading = false
		t, ok := m.tokens[a.cookie]
		switch {
		case !ok || t.sess != x:
			m.fail("%s: loaded something else than its cookie leads to", a.name)
		case !m.live(x):
		case t.gen == x.gen:
			a.sess, a.gen, a.loadedAt = x, t.gen, began
			m.adopt(a, x)
		case began.UnixMilli()-x.renewed < grace.Milliseconds():
			a.muted = true
		}
	case a.refresh:
		a.refresh = false
		if a.doubtful(a.sess) && m.live(a.sess) {
			a.fault = true
			return
		}
		m.adopt(a, a.sess)
	}
}

// created is told that a record was stored. answered says whether the request
// knows.
func (m *model) created(a *actor, rec *store.Record, built time.Time, answered bool) {
	m.clock++
	m.lapse(a)
	after := m.wanted(a, State{})
	revived := a.muted && after.User == "" && !a.renew
	switch {
	case a.sess != nil:
		m.fail("%s: began a new session beside %s", a.name, a.sess.name)
	case revived:
		m.fail("%s: began a new session, though its own has ended and it is no login", a.name)
	case after.initial() && !(a.muted && a.renew):
		m.fail("%s: began a session that holds nothing", a.name)
	case a.begun:
		m.fail("%s: began a session after the response", a.name)
	}
	if old := m.byID(rec.ID); m.live(old) {
		m.fail("%s: began a session under the ID of %s", a.name, old.name)
	}
	now := built.UnixMilli()
	x := &sess{
		name: fmt.Sprint("S", len(m.sessions)+1), id: rec.ID, state: after, gen: 1,
		created: now, used: now, renewed: now, owners: []owner{{after.User, m.clock}},
	}
	m.sessions = append(m.sessions, x)
	m.stored(a, x, rec)
	m.loggedIn(a, rec)
	if answered {
		a.sess, a.gen, a.tell, a.muted = x, x.gen, "set", false
		m.settled(a)
	} else {
		m.unlimit(x.state.User)
	}
}

// updated is told that a record was replaced.
func (m *model) updated(a *actor, rec *store.Record, built time.Time, answered bool) {
	m.clock++
	x := m.byID(rec.ID)
	if !m.live(x) {
		m.fail("%s: brought back a session that has ended", a.name)
		return
	}
	if !a.opens(x) {
		m.fail("%s: wrote %s with a secret that is not its own any more", a.name, x.name)
		return
	}
	after, former := m.wanted(a, x.state), x.state.User
	renewed := a.renew || after.User != former
	now := built.UnixMilli()
	due := now-x.used > idleTimeout.Milliseconds()/10
	switch {
	case !renewed && after.equal(&x.state) && m.timed && !due && len(a.lost) == 0:
		m.fail("%s: wrote %s without a change", a.name, x.name)
	case renewed && a.begun:
		m.fail("%s: renewed %s after the response", a.name, x.name)
	}
	x.state, x.used = after, now
	if renewed {
		x.gen++
		x.renewed = now
	}
	if after.User != former {
		x.owners = append(x.owners, owner{after.User, m.clock})
		m.loggedIn(a, rec)
	}
	m.stored(a, x, rec)
	switch {
	case answered:
		if a.gen = x.gen; renewed {
			a.tell = "set"
		}
		m.settled(a)
	case after.User != former:
		m.unlimit(after.User)
	}
}

// stored checks what both kinds of writes have in common.
func (m *model) stored(a *actor, x *sess, rec *store.Record) {
	if rec.Subject != x.state.User {
		m.fail("%s: %s is noted as %q's, but belongs to %q", a.name, x.name, rec.Subject, x.state.User)
	}
	x.rev, x.expires = rec.Rev, rec.Expires.UnixMilli()
	want := min(x.used+idleTimeout.Milliseconds(), x.created+absoluteTimeout.Milliseconds())
	if m.timed && x.expires != want || x.expires > want+10_000 {
		m.fail("%s: %s expires %d ms too late", a.name, x.name, x.expires-want)
	}
}

// settled is told that all that a request wants is stored, and that it knows.
func (m *model) settled(a *actor) {
	a.seen, a.rev = a.sess.state.clone(), a.sess.rev
	a.tx, a.lost = nil, nil
	a.forget()
}

// unlimit notes that a login has not come to limiting a user's sessions.
func (m *model) unlimit(user string) { m.unlimited[user] = true }

// refused is told that a request's write was answered by a conflict, or that
// there is no such session.
func (m *model) refused(a *actor, id session.ID, gone bool) {
	x := m.byID(id)
	if gone == m.live(x) {
		m.fail("%s: was told of %s: gone %v", a.name, x.name, gone)
	}
	if m.extends(a) {
		return // which is no concern of the request's
	}
	if !gone && a.doubtful(x) {
		a.fault = true
		return
	}
	m.adopt(a, x)
}

// saved is told what Save, Transact or a commit has told the request.
func (m *model) saved(a *actor, err string, excused bool) {
	tx := a.tx != nil && a.sess != nil
	defer func() { a.tx = nil }()
	a.refresh = false
	switch err {
	case "":
		if a.broken {
			m.fail("%s: saved a session that it could not load", a.name)
		}
		if !m.idleWant(a) {
			m.fail("%s: told of a success, but there is no write of it", a.name)
		}
		if a.doomed != nil {
			m.fail("%s: told of a success, but %s is still there", a.name, a.doomed.name)
		}
		a.pending, a.unsure = nil, nil
	case covered:
		if !a.refused {
			m.fail("%s: told that its login is revoked", a.name)
		}
		a.tx = nil
	case notFound:
		m.lapse(a)
		if login := m.login(a); !a.muted || login {
			m.fail("%s: told that its session has ended, muted %v, login %v", a.name, a.muted, login)
		}
		a.forget()
	case committed:
		if !a.begun {
			m.fail("%s: told that its response has begun", a.name)
		}
		if !tx {
			a.forget()
		}
	case unavailable:
		if !excused && !a.broken {
			m.fail("%s: told that the store is unavailable", a.name)
		}
	case errNoCode.Error(), errRefused.Error():
		a.tx = nil
		if st := m.wanted(a, a.seen); err == errNoCode.Error() && len(st.Codes) > 0 {
			m.fail("%s: found no code in %v", a.name, &st)
		}
	default:
		if !excused {
			m.fail("%s: told: %s", a.name, err)
		}
	}
}

// login reports whether a request makes a session of its own where the one it
// began with has ended.
func (m *model) login(a *actor) bool {
	want := m.wanted(a, State{})
	return want.User != "" || a.renew
}
