package storetest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/typedsession/typedsession/store"
)

// indexConcurrencyCases let several goroutines write sessions of one subject.
var indexConcurrencyCases = []testCase{
	{"list: during logins and logouts", listDuringWrites},
	{"revocation: creates of logins in flight", revokeCreatesInFlight},
	{"revocation: updates that are logins in flight", revokeUpdatesInFlight},
	{"revocation: during updates", revokeDuringUpdates},
	{"revocation: two at once", revokeTwice},
}

// listDuringWrites lists a subject's sessions while other sessions of the
// subject are created and deleted, and two that stay are updated.
func listDuringWrites(t *trial) {
	const rounds = 10
	subject := newSubject()
	stay := t.createLogins(subject, 3)
	ids := recordIDs(stay)
	t.parallel(func(n int) error {
		for range rounds {
			if n >= 5 {
				if err := listComplete(t, subject, ids); err != nil {
					return err
				}
				continue
			}
			var err error
			if n < 2 {
				next := nextOf(stay[n])
				err = t.store.Update(t.Context(), stay[n].Rev, next)
				stay[n] = next
			} else {
				rec := newLogin(subject)
				err = errors.Join(t.store.Create(t.Context(), rec), t.store.Delete(t.Context(), rec.ID))
			}
			if err != nil {
				return broke(ruleStoreSafe, "a write beside others: %v", err)
			}
		}
		return nil
	})
	t.wantListed(ruleListComplete, subject, stay...)
}

// listComplete checks that a list has the sessions that stay, once each, and no
// session of another subject.
func listComplete(t *trial, subject string, stay []store.ID) error {
	recs, err := t.index().ListSessions(t.Context(), subject)
	if err != nil {
		return broke(ruleList, "ListSessions during writes: %v", err)
	}
	found := recordIDs(recs)
	for _, id := range stay {
		if at := slices.Index(found, id); at < 0 || slices.Contains(found[at+1:], id) {
			return broke(ruleListComplete, "ListSessions during writes returned %v, want %v once among them", found, id)
		}
	}
	for _, rec := range recs {
		if rec.Subject != subject {
			return broke(ruleList, "ListSessions of %q during writes returned a session of %q", subject, rec.Subject)
		}
	}
	return nil
}

// login is a login in flight.
type login struct {
	base store.Rev // of the anonymous record; 0: the login creates the record
	rec  store.Record
	err  error
}

func revokeCreatesInFlight(t *trial) {
	t.revokeInFlight(func(rec store.Record) login { return login{rec: rec} })
}

func revokeUpdatesInFlight(t *trial) {
	t.revokeInFlight(func(rec store.Record) login {
		anonymous := nextWrite(rec)
		anonymous.Subject = ""
		t.create(anonymous)
		return login{base: anonymous.Rev, rec: rec}
	})
}

// revokeInFlight revokes a subject while logins of the subject are written whose
// requests arrived before the revocation. None may survive.
func (t *trial) revokeInFlight(prepare func(store.Record) login) {
	const rounds = 10
	for range rounds {
		subject := newSubject()
		logins := make([]login, workers)
		for i := range logins {
			logins[i] = prepare(newLogin(subject))
		}
		before := after(0)
		var revoked []store.ID
		var revocation error
		t.parallel(func(n int) error {
			if n == workers/2 {
				revoked, revocation = t.index().RevokeSubject(t.Context(), subject, before)
				return nil
			}
			if l := &logins[n]; l.base == 0 {
				l.err = t.store.Create(t.Context(), l.rec)
			} else {
				l.err = t.store.Update(t.Context(), l.base, l.rec)
			}
			return nil
		})
		if revocation != nil {
			t.broke(ruleRevoke, "RevokeSubject during logins: %v", revocation)
		}
		t.wantListed(ruleRevokeFlight, subject)
		logins = slices.Delete(logins, workers/2, workers/2+1)
		for _, l := range logins {
			t.wantEnded(l, slices.Contains(revoked, l.rec.ID))
		}
	}
}

// wantEnded checks that a login was refused, or else found by RevokeSubject.
func (t *trial) wantEnded(l login, revoked bool) {
	t.Helper()
	switch {
	case l.err == nil:
		t.wantGone(ruleRevokeFlight, l.rec.ID)
		if !revoked {
			t.broke(ruleRevokeIDs, "RevokeSubject did not return the ID of a login that it has deleted")
		}
	case !errors.Is(l.err, store.ErrRevoked):
		t.broke(ruleRevokeLogins, "a login during RevokeSubject: %v", l.err)
	case revoked:
		t.broke(ruleRevokeIDs, "RevokeSubject returned the ID of a login that was refused")
	case l.base == 0:
		t.wantGone(ruleRevokeRefused, l.rec.ID)
	default:
		if got := t.load(l.rec.ID); got.Rev != l.base {
			t.broke(ruleRevokeRefused, "a login that was refused has changed its record")
		}
	}
}

// revokeDuringUpdates revokes sessions that their requests update all the time.
func revokeDuringUpdates(t *trial) {
	const rounds = 5
	for range rounds {
		subject := newSubject()
		recs := t.createLogins(subject, 2)
		var deleted atomic.Bool
		updated := make(chan struct{}, 1) // an update has returned
		var revoked []store.ID
		t.parallel(func(n int) error {
			if n > 0 {
				return updateUntilGone(t.Context(), t.store, recs[n%len(recs)], &deleted, updated)
			}
			defer deleted.Store(true) // ends the others also if RevokeSubject fails
			<-updated
			ids, err := t.index().RevokeSubject(t.Context(), subject, after(0))
			if err != nil {
				return broke(ruleRevoke, "RevokeSubject during updates: %v", err)
			}
			revoked = ids
			return nil
		})
		t.wantListed(ruleRevoke, subject)
		t.wantIDs(revoked, recordIDs(recs))
	}
}

// revokeTwice revokes a subject in several goroutines. Each session is deleted
// by one of them at least.
func revokeTwice(t *trial) {
	subject := newSubject()
	recs := t.createLogins(subject, 5)
	var mu sync.Mutex
	revoked := make(map[store.ID]bool)
	t.parallel(func(int) error {
		ids, err := t.index().RevokeSubject(t.Context(), subject, after(0))
		if err != nil {
			return broke(ruleRevoke, "RevokeSubject beside another one: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, id := range ids {
			revoked[id] = true
		}
		return nil
	})
	for _, rec := range recs {
		t.wantGone(ruleRevoke, rec.ID)
		if !revoked[rec.ID] {
			t.broke(ruleRevokeIDs, "none of several RevokeSubjects returned the ID of a session that is deleted")
		}
	}
}
