package model_test

import (
	"slices"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// removed is told that a record was deleted.
func (m *model) removed(a *actor, id session.ID, answered bool) {
	m.clock++
	x := m.byID(id)
	if x == nil {
		return
	}
	switch {
	case a.doomed == x, a.target == x, a.ghost == x:
	case a.revoking && x != a.except && x.was(a.user, a.since):
	case !a.revoking && m.perSubject > 0 && m.crowd(x, a.askedFor, a.asked):
	default:
		m.fail("%s: ended %s, for which there is no reason", a.name, x.name)
	}
	x.gone, x.goneAt = m.clock, time.Now().UnixMilli()
	if answered {
		a.destroyed++
		if a.doomed == x && !a.revoking {
			a.doomed = nil
		}
	}
}

// crowd reports whether a session was one of more than a user may have.
func (m *model) crowd(x *sess, user string, since int) bool {
	n := 0
	for _, other := range m.sessions {
		if other.was(user, since) {
			n++
		}
	}
	return x.was(user, since) && n > m.perSubject
}

// revoked is told that a revocation has succeeded: of all sessions that were the
// user's when it began, none is left.
func (m *model) revoked(a *actor, n int) {
	for _, x := range m.sessions {
		if len(x.owners) == 0 {
			continue
		}
		last := x.owners[len(x.owners)-1]
		if last.user == a.user && last.from <= a.since && x != a.except && m.live(x) {
			m.fail("%s: revoked the sessions of %s, but %s is still there", a.name, a.user, x.name)
		}
	}
	if n != a.destroyed {
		m.fail("%s: revoked %d sessions, and said %d", a.name, a.destroyed, n)
	}
}

// listed checks a list of a user's sessions that was asked for at a time.
func (m *model) listed(who, user string, since int, ids []session.ID) {
	for _, x := range m.sessions {
		last := x.owners[len(x.owners)-1]
		always := last.user == user && last.from <= since && m.live(x)
		switch in := slices.Contains(ids, x.id); {
		case always && !in:
			m.fail("%s: the sessions of %s are listed without %s", who, user, x.name)
		case in && !x.was(user, since):
			m.fail("%s: %s is listed among the sessions of %s", who, x.name, user)
		}
	}
}

// noteRevocation is told that the sessions of a user were revoked.
func (m *model) noteRevocation(user string, before time.Time) {
	m.clock++
	if before.After(m.revocations[user]) {
		m.revocations[user] = before
	}
}

// loggedIn checks a write that has made a session its subject's: no revocation
// since the request has arrived may have been passed over.
func (m *model) loggedIn(a *actor, rec *store.Record) {
	switch {
	case rec.Subject == "":
	case rec.LoginSince.IsZero():
		m.fail("%s: logged in without a time", a.name)
	case rec.LoginSince.After(a.arrivedAt):
		m.fail("%s: logged in as of %v, but arrived at %v", a.name, rec.LoginSince, a.arrivedAt)
	case !rec.LoginSince.After(m.revocations[rec.Subject]) && time.Since(m.revocations[rec.Subject]) < store.TombstoneLife:
		m.fail("%s: logged in as %s, who was revoked since the request has arrived", a.name, rec.Subject)
	}
}

// refusedLogin is told that a write was refused as a login which a revocation
// covers.
func (m *model) refusedLogin(a *actor, rec *store.Record) {
	if rec.LoginSince.IsZero() || rec.LoginSince.After(m.revocations[rec.Subject]) {
		m.fail("%s: refused as %q, who was not revoked since the request has arrived", a.name, rec.Subject)
	}
	a.fault, a.refused = true, true
}
