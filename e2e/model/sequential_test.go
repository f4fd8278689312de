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
	name   string
	id     session.ID
	state  State
	rev    store.Rev
	gone   int   // the tick at which it was deleted; 0: it was not
	goneAt int64 // when it was first deleted

	lastGone int64 // when it was deleted again; a store may keep either time
	gen      int   // of its secret: each renewal makes a new one
	created  int64
	used     int64 // when the idle timeout began, in Unix milliseconds like the others
	renewed  int64
	login    int64 // when its user was established; 0: it has none
	expires  int64
	owners   []owner
}

// owner is who a session belonged to, from one tick of the model's clock until
// the next owner's.
type owner struct {
	user string
	from int
}

// end is when the absolute timeout ends it.
func (x *sess) end() int64 { return max(x.created, x.login) + absoluteTimeout.Milliseconds() }

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
	unknown     bool // the network was too slow, or the contract leaves open what must be
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
	if a.renew && a.sess != nil {
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
		m.end(a, x)
		return
	}
	a.seen = x.state.clone()
	a.rev, a.seenAt, a.until = x.rev, time.Now().UnixMilli(), x.expires
	if made, ok := a.unsure[x.rev]; ok {
		a.pending, a.unsure = a.pending[len(made):], nil
	}
}

// end tells a request that its session has ended under it, or goes on with another
// secret.
func (m *model) end(a *actor, x *sess) {
	a.formerly = a.seen.User
	a.sess, a.seen = nil, State{}
	a.muted, a.tell = true, ""
	m.follow(a, x)
	a.missed = a.next != nil && len(a.pending) > 0
}

// follow notes the session that goes on without the request.
func (m *model) follow(a *actor, x *sess) {
	if a.next = nil; m.live(x) {
		a.next, a.rev = x, x.rev
	}
}

// joins reports whether a request goes on with the session that was renewed: it has
// logged in the same user.
func (m *model) joins(a *actor) bool {
	if !a.muted || a.begun || a.next == nil || a.next.state.User == "" {
		return false
	}
	user := a.next.state.User
	return m.wanted(a, State{}).User == user || a.login && a.formerly == user && (len(a.pending) > 0 || a.tx != nil)
}

// dropped reports whether a request must be told that its change was dropped.
func (m *model) dropped(a *actor) bool {
	if !a.muted || a.sess != nil || len(a.pending) == 0 && a.tx == nil || m.joins(a) {
		return false
	}
	want := m.wanted(a, State{})
	return want.User == "" && (!want.initial() || a.tx != nil || a.missed)
}

// restorable reports whether a request stores its session again, which has expired
// while it was using it.
func (m *model) restorable(a *actor) bool {
	x, now := a.sess, time.Now().UnixMilli()
	return x != nil && x.gone == 0 && now >= a.until && a.until > a.arrivedAt.UnixMilli() &&
		now-a.seenAt < min(store.TombstoneLife-time.Minute, idleTimeout*9/10).Milliseconds() &&
		now < x.created+absoluteTimeout.Milliseconds() &&
		(a.seen.User == "" || a.seen.User == m.wanted(a, a.seen).User)
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
			m.foundNothing(a, x)
		case t.gen == x.gen:
			a.sess, a.gen, a.loadedAt = x, t.gen, began
			m.adopt(a, x)
		case a.arrivedAt.UnixMilli()-x.renewed < grace.Milliseconds():
			a.muted = true
			m.follow(a, x)
		}
	case a.refresh:
		a.refresh = false
		switch x := a.sess; {
		case a.doubtful(x) && m.live(x):
			a.fault = true
		case !m.live(x) && m.refreshable(a):
		default:
			m.adopt(a, x)
		}
	}
}

// refreshable is restorable before the transaction has run.
func (m *model) refreshable(a *actor) bool {
	b := *a
	b.pending, b.tx = nil, nil
	return m.restorable(&b)
}

// foundNothing is told that a request's cookie leads to no session. Its session was
// ended under it if it had arrived by then.
func (m *model) foundNothing(a *actor, x *sess) {
	now, arrived := time.Now().UnixMilli(), a.arrivedAt.UnixMilli()
	if x.gone != 0 && now-x.lastGone < store.TombstoneLife.Milliseconds() {
		a.muted = arrived < x.goneAt
		m.unknown = m.unknown || arrived >= x.goneAt && arrived < x.lastGone
		return
	}
	a.lapsed = x
	a.muted = now-arrived >= store.TombstoneLife.Milliseconds()
}

// created is told that a record was stored. answered says whether the request
// knows.
func (m *model) created(a *actor, rec *store.Record, built time.Time, answered bool) {
	m.clock++
	if x := a.sess; x != nil && x.id == rec.ID && !m.live(x) {
		m.restored(a, rec, built, answered)
		return
	}
	after := m.wanted(a, State{})
	revived := a.muted && after.User == ""
	switch {
	case a.sess != nil:
		m.fail("%s: began a new session beside %s", a.name, a.sess.name)
	case revived:
		m.fail("%s: began a new session, though its own has ended and it is no login", a.name)
	case m.joins(a) && m.live(a.next) && a.rev == a.next.rev:
		m.fail("%s: began a new session, though its login was sent twice", a.name)
	case after.initial():
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
	if after.User != "" {
		x.login = now
	}
	m.sessions = append(m.sessions, x)
	m.stored(a, x, rec)
	m.loggedIn(a, rec)
	if answered {
		a.sess, a.gen, a.tell, a.muted, a.next = x, x.gen, "set", false, nil
		m.settled(a, built)
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
	joins := a.sess == nil && a.next == x && m.joins(a)
	if !a.opens(x) && !joins {
		m.fail("%s: wrote %s with a secret that is not its own any more", a.name, x.name)
		return
	}
	m.written(a, x, rec, built, answered, joins)
}

// restored is told that a record was stored again.
func (m *model) restored(a *actor, rec *store.Record, built time.Time, answered bool) {
	x := a.sess
	switch before := m.revocations[x.state.User]; {
	case x.gone != 0:
		m.fail("%s: brought back a session that has ended", a.name)
	case !a.opens(x):
		m.fail("%s: restored %s with a secret that is not its own any more", a.name, x.name)
	case x.state.User != "" && !before.Before(a.arrivedAt) && time.Since(before) < store.TombstoneLife:
		m.fail("%s: restored a session of %s, who was revoked since the request has arrived", a.name, x.state.User)
	}
	m.written(a, x, rec, built, answered, false)
}

// written is told that a session was stored, changed or not.
func (m *model) written(a *actor, x *sess, rec *store.Record, built time.Time, answered, joins bool) {
	after, former := m.wanted(a, x.state), x.state.User
	renewed := a.renew || joins || after.User != former
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
	switch {
	case after.User == "":
		x.login = 0
	case after.User != former || a.login || joins:
		x.login = now
	}
	if after.User != former {
		x.owners = append(x.owners, owner{after.User, m.clock})
		m.loggedIn(a, rec)
	}
	m.stored(a, x, rec)
	switch {
	case answered:
		a.sess, a.muted, a.next = x, false, nil
		if a.gen = x.gen; renewed {
			a.tell = "set"
		}
		m.settled(a, built)
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
	want := min(x.used+idleTimeout.Milliseconds(), x.end())
	if m.timed && x.expires != want || x.expires > want+10_000 {
		m.fail("%s: %s expires %d ms too late", a.name, x.name, x.expires-want)
	}
}

// settled is told that all that a request wants is stored, and that it knows.
func (m *model) settled(a *actor, built time.Time) {
	a.seen, a.rev = a.sess.state.clone(), a.sess.rev
	a.seenAt, a.until = built.UnixMilli(), a.sess.expires
	a.tx, a.lost, a.missed = nil, nil, false
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
	switch {
	case !gone && a.doubtful(x):
		a.fault = true
	case a.sess == nil:
		m.refusedJoin(a, x)
	case gone && m.restorable(a): // it is stored again
	default:
		m.adopt(a, x)
	}
}

// refusedJoin is told that the session which a login was to join is not what it was.
func (m *model) refusedJoin(a *actor, x *sess) {
	if !m.live(x) || !slices.Contains(a.lost, x.rev) {
		m.follow(a, x)
		return
	}
	a.sess, a.gen, a.tell, a.muted, a.next = x, x.gen, "set", false, nil
	a.rev = 0
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
		quiet := m.dropped(a) && a.loggedOut
		if m.dropped(a) && !quiet {
			m.fail("%s: told of a success, but its change was dropped", a.name)
		}
		if !quiet && !m.idleWant(a) {
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
		if !m.dropped(a) {
			m.fail("%s: told that its session has ended, muted %v, and it wants %v", a.name, a.muted, m.wanted(a, State{}))
		}
		a.forget()
		a.missed = false // it sees the initial state from now on
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
