package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// revocationCases are about RevokeSubject.
var revocationCases = []testCase{
	{"revocation: the sessions of a subject", revokeSessions},
	{"revocation: tombstones", revokeTombstones},
	{"revocation: exceptions", revokeExcept},
	{"revocation: subjects of any bytes", revokeSubjects},
	{"revocation: a session that has changed its subject", revokeChanged},
	{"revocation: no sessions", revokeNothing},
	{"revocation: creates of logins", revokeCreates},
	{"revocation: updates that are logins", revokeUpdates},
	{"revocation: writes that are not logins", revokeOtherWrites},
	{"revocation: a login that is refused", revokeRefused},
	{"revocation: a login that is refused and repeated", revokeRepeated},
	{"revocation: the latest time counts", revokeLatest},
}

// revoke revokes a subject, which must succeed.
func (t *trial) revoke(subject string, before time.Time, except ...store.ID) ([]store.ID, span) {
	t.Helper()
	from := time.Now()
	ids, err := t.index().RevokeSubject(t.Context(), subject, before, except...)
	if err != nil {
		t.broke(ruleRevoke, "RevokeSubject: %v", err)
	}
	return ids, span{from, time.Now()}
}

// wantIDs checks that RevokeSubject returned these IDs.
func (t *trial) wantIDs(got, want []store.ID) {
	t.Helper()
	sorted := func(ids []store.ID) []store.ID {
		return slices.SortedFunc(slices.Values(ids), func(a, b store.ID) int { return slices.Compare(a[:], b[:]) })
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		t.broke(ruleRevokeIDs, "RevokeSubject returned %v, want %v", got, want)
	}
}

func revokeSessions(t *trial) {
	subject, other := newSubject(), newSubject()
	recs, ofOther := t.createLogins(subject, 10), t.createLogins(other, 1)
	ids, _ := t.revoke(subject, after(0))
	for _, rec := range recs {
		t.wantGone(ruleRevoke, rec.ID)
	}
	t.wantIDs(ids, recordIDs(recs))
	t.wantListed(ruleRevoke, subject)
	t.wantListed(ruleRevoke, other, ofOther...)
	ids, _ = t.revoke(subject, after(0))
	t.wantIDs(ids, nil)
}

// revokeTombstones does what deleteCases do with Delete.
func revokeTombstones(t *trial) {
	rec := newLogin(newSubject())
	t.create(rec)
	t.load(rec.ID) // fills a cache
	_, deleted := t.revoke(rec.Subject, after(0))
	t.wantTombstone(rec.ID, deleted)
	err := t.store.Update(t.Context(), rec.Rev, nextOf(rec))
	t.wantDeleted(ruleUpdateDeleted, "Update after RevokeSubject", err, deleted)
	err = t.store.Create(t.Context(), nextOf(rec))
	t.wantError(ruleCreateDeleted, "Create after RevokeSubject", err, store.ErrExists)
}

func revokeExcept(t *trial) {
	subject := newSubject()
	recs := t.createLogins(subject, 5)
	ids, _ := t.revoke(subject, after(0), recs[0].ID, store.NewID(), recs[1].ID)
	t.wantRecord(ruleRevoke, recs[0])
	t.wantRecord(ruleRevoke, recs[1])
	t.wantListed(ruleRevoke, subject, recs[:2]...)
	t.wantIDs(ids, recordIDs(recs[2:]))
	next := nextOf(recs[0])
	t.update(recs[0].Rev, next)
	t.wantListed(ruleRevoke, subject, next, recs[1])
}

// revokeSubjects revokes one of several subjects that are easily confused.
func revokeSubjects(t *trial) {
	base := newSubject()
	revoked, kept := newLogin(base), newLogin(base+" ")
	ofPrefix, ofBytes := newLogin(base+"*"), newLogin(base+"\x00\xff")
	for _, rec := range []store.Record{revoked, kept, ofPrefix, ofBytes} {
		t.create(rec)
	}
	t.revoke(base, after(0))
	t.revoke(ofPrefix.Subject, after(0))
	t.revoke(ofBytes.Subject, after(0))
	for _, rec := range []store.Record{revoked, ofPrefix, ofBytes} {
		t.wantGone(ruleRevoke, rec.ID)
	}
	t.wantRecord(ruleRevoke, kept)
}

func revokeChanged(t *trial) {
	first := newLogin(newSubject())
	t.create(first)
	second := loginOf(first, newSubject(), after(0))
	t.update(first.Rev, second)
	ids, _ := t.revoke(first.Subject, after(0))
	t.wantRecord(ruleRevoke, second)
	t.wantIDs(ids, nil)
}

// revokeNothing revokes a subject whose login is still in flight.
func revokeNothing(t *trial) {
	rec := newLogin(newSubject())
	ids, _ := t.revoke(rec.Subject, rec.LoginSince)
	t.wantIDs(ids, nil)
	t.wantError(ruleRevokeLogins, "Create of a login", t.store.Create(t.Context(), rec), store.ErrRevoked)
}

// logins are logins around a revocation, in milliseconds.
var logins = []struct {
	when    string
	shift   time.Duration
	refused bool
}{
	{"a minute before", -time.Minute, true},
	{"a millisecond before", -time.Millisecond, true},
	{"at the time of", 0, true},
	{"a millisecond after", time.Millisecond, false},
	{"a minute after", time.Minute, false},
}

func revokeCreates(t *trial) {
	t.forLogins(func(subject string, since time.Time) error {
		return t.store.Create(t.Context(), loginOf(newRecord(), subject, since))
	})
}

// revokeUpdates logs an anonymous session in, and the subject's own session.
func revokeUpdates(t *trial) {
	t.forLogins(func(subject string, since time.Time) error {
		rec := newRecord()
		rec.Subject = ""
		t.create(rec)
		return t.store.Update(t.Context(), rec.Rev, loginOf(rec, subject, since))
	})
	t.forLogins(func(subject string, since time.Time) error {
		rec := loginOf(newRecord(), subject, after(time.Hour))
		t.create(rec)
		return t.store.Update(t.Context(), rec.Rev, loginOf(rec, subject, since))
	})
}

// forLogins revokes a subject and checks which of the logins are refused.
func (t *trial) forLogins(login func(subject string, since time.Time) error) {
	t.Helper()
	subject, other, before := newSubject(), newSubject(), after(0)
	t.revoke(subject, before)
	for _, l := range logins {
		err := login(subject, before.Add(l.shift))
		what := fmt.Sprintf("a login %s the revocation", l.when)
		if l.refused {
			t.wantError(ruleRevokeLogins, what, err, store.ErrRevoked)
		} else if err != nil {
			t.broke(ruleRevokeLogins, "%s: %v", what, err)
		}
		if err := login(other, before.Add(l.shift)); err != nil {
			t.broke(ruleRevokeLogins, "a login of another subject: %v", err)
		}
	}
}

// revokeOtherWrites writes records of the subject without a LoginSince.
func revokeOtherWrites(t *trial) {
	rec := newLogin(newSubject())
	t.create(rec)
	t.revoke(rec.Subject, after(time.Hour), rec.ID)
	next := nextOf(rec)
	if err := t.store.Update(t.Context(), rec.Rev, next); err != nil {
		t.broke(ruleRevokeLogins, "Update that is not a login: %v", err)
	}
	if err := t.store.Create(t.Context(), nextOf(store.Record{ID: store.NewID(), Subject: rec.Subject})); err != nil {
		t.broke(ruleRevokeLogins, "Create that is not a login: %v", err)
	}
}

func revokeRefused(t *trial) {
	subject, before := newSubject(), after(0)
	t.revoke(subject, before)

	created := loginOf(newRecord(), subject, before)
	t.wantError(ruleRevokeLogins, "Create of a login", t.store.Create(t.Context(), created), store.ErrRevoked)
	t.wantGone(ruleRevokeRefused, created.ID)

	anonymous := newRecord()
	anonymous.Subject = ""
	t.create(anonymous)
	err := t.store.Update(t.Context(), anonymous.Rev, loginOf(anonymous, subject, before))
	t.wantError(ruleRevokeLogins, "Update that is a login", err, store.ErrRevoked)
	t.wantRecord(ruleRevokeRefused, anonymous)

	t.wantListed(ruleRevokeRefused, subject)
	// The ID of a refused Create is not in use.
	t.create(loginOf(created, subject, before.Add(time.Millisecond)))
}

// revokeRepeated repeats the writes of sessions that were revoked. The tombstone
// refuses them, or the revocation does.
func revokeRepeated(t *trial) {
	rec := newLogin(newSubject())
	t.create(rec)
	next := loginOf(rec, rec.Subject, rec.LoginSince)
	t.update(rec.Rev, next)
	t.revoke(rec.Subject, after(0))
	if err := t.store.Create(t.Context(), rec); !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrRevoked) {
		t.broke(ruleCreateDeleted, "Create repeated after RevokeSubject: error %v, want ErrExists or ErrRevoked", err)
	}
	if err := t.store.Update(t.Context(), rec.Rev, next); !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrRevoked) {
		t.broke(ruleUpdateDeleted, "Update repeated after RevokeSubject: error %v, want ErrNotFound or ErrRevoked", err)
	}
	t.wantGone(ruleRevoke, rec.ID)
}

func revokeLatest(t *trial) {
	subject, latest := newSubject(), after(0)
	for _, shift := range []time.Duration{-2 * time.Minute, 0, -time.Minute} {
		t.revoke(subject, latest.Add(shift))
	}
	err := t.store.Create(t.Context(), loginOf(newRecord(), subject, latest.Add(-time.Second)))
	t.wantError(ruleRevokeLater, "a login before the latest of three revocations", err, store.ErrRevoked)
	t.create(loginOf(newRecord(), subject, latest.Add(time.Second)))
}
