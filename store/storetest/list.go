package storetest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/typedsession/typedsession/store"
)

// listCases are about what ListSessions finds.
var listCases = []testCase{
	{"list: the sessions of a subject", listSubject},
	{"list: subjects of any bytes", listSubjects},
	{"list: an anonymous session becomes a subject's", listAfterLogin},
	{"list: a session changes its subject", listAfterChange},
	{"list: after an update", listAfterUpdate},
	{"list: after a delete", listAfterDelete},
	{"list: an expired session", listExpired},
	{"list: an extended session", listExtended},
	{"list: the payloads that ListSessions returned", listPayloads},
}

// index returns the store as a [store.SubjectIndex].
func (t *trial) index() store.SubjectIndex { return t.store.(store.SubjectIndex) }

// list returns the sessions of a subject.
func (t *trial) list(r rule, subject string) []store.Record {
	t.Helper()
	recs, err := t.index().ListSessions(t.Context(), subject)
	if err != nil {
		t.broke(r, "ListSessions: %v", err)
	}
	return recs
}

// wantListed checks that ListSessions returns these records.
func (t *trial) wantListed(r rule, subject string, want ...store.Record) {
	t.Helper()
	got := t.list(r, subject)
	order := func(a, b store.Record) int { return slices.Compare(a.ID[:], b.ID[:]) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.EqualFunc(got, want, func(a, b store.Record) bool { return a.ID == b.ID }) {
		t.broke(r, "ListSessions of %q returned %v, want %v", subject, recordIDs(got), recordIDs(want))
	}
	for i := range want {
		if diff := diff(want[i], got[i]); diff != "" {
			t.broke(r, "ListSessions: %s", diff)
		}
	}
}

// recordIDs returns the IDs of records.
func recordIDs(recs []store.Record) []store.ID {
	ids := make([]store.ID, len(recs))
	for i, rec := range recs {
		ids[i] = rec.ID
	}
	return ids
}

// createLogins creates sessions of a subject.
func (t *trial) createLogins(subject string, n int) []store.Record {
	t.Helper()
	recs := make([]store.Record, n)
	for i := range recs {
		recs[i] = newLogin(subject)
		t.create(recs[i])
	}
	return recs
}

func listSubject(t *trial) {
	one, other, none := newSubject(), newSubject(), newSubject()
	ofOne, ofOther := t.createLogins(one, 20), t.createLogins(other, 1)
	t.wantListed(ruleList, one, ofOne...)
	t.wantListed(ruleList, other, ofOther...)
	t.wantListed(ruleList, none)
	for _, rec := range t.list(ruleList, one) {
		if !rec.LoginSince.IsZero() || !rec.IndexUntil.IsZero() {
			t.broke(ruleNotKept, "ListSessions returned LoginSince %v and IndexUntil %v", rec.LoginSince, rec.IndexUntil)
		}
	}
}

func listSubjects(t *trial) {
	base := newSubject()
	var recs []store.Record
	for _, subject := range []string{
		base, base + " ", base + "\n", base + "\x00", base + "{a}", base + "*", base + "%", "{}" + base, base + "ä",
		base + "a\u0308", base + "\xff", base + "\xfe", strings.ToUpper(base), base + strings.Repeat("x", 1000),
	} {
		rec := newLogin(subject)
		t.create(rec)
		recs = append(recs, rec)
	}
	for _, rec := range recs {
		t.wantListed(ruleList, rec.Subject, rec)
	}
}

func listAfterLogin(t *trial) {
	rec := newRecord()
	rec.Subject = ""
	t.create(rec)
	login := loginOf(rec, newSubject(), after(0))
	t.update(rec.Rev, login)
	t.wantListed(ruleList, login.Subject, login)
}

func listAfterChange(t *trial) {
	first := newLogin(newSubject())
	t.create(first)
	second := loginOf(first, newSubject(), after(0))
	t.update(first.Rev, second)
	t.wantListed(ruleList, first.Subject)
	t.wantListed(ruleList, second.Subject, second)
	anonymous := nextWrite(first)
	anonymous.Subject = ""
	t.update(second.Rev, anonymous)
	t.wantListed(ruleList, second.Subject)
}

// listAfterUpdate also checks that a write which neither is a login nor extends
// the session leaves it in the index.
func listAfterUpdate(t *trial) {
	rec := newLogin(newSubject())
	t.create(rec)
	next := nextOf(rec)
	t.update(rec.Rev, next)
	t.wantListed(ruleList, rec.Subject, next)
	// A conflict does not put a session into the index of another subject.
	other := loginOf(rec, newSubject(), after(0))
	t.wantConflict(t.store.Update(t.Context(), rec.Rev, other), next)
	t.wantListed(ruleList, other.Subject)
	t.wantListed(ruleList, rec.Subject, next)
}

func listAfterDelete(t *trial) {
	subject := newSubject()
	recs := t.createLogins(subject, 3)
	t.delete(recs[0].ID)
	t.wantListed(ruleList, subject, recs[1:]...)
}

func listExpired(t *trial) {
	rec := newLogin(newSubject())
	rec.Expires = after(blink)
	stays := newLogin(rec.Subject)
	t.create(stays)
	t.create(rec)
	sleepUntil(rec.Expires)
	t.wantListed(ruleStoreExpired, rec.Subject, stays)
}

func listExtended(t *trial) {
	subject := newSubject()
	first, next := t.extended(newLogin(subject), func(rec store.Record) store.Record {
		next := nextOf(rec)
		next.IndexUntil = next.Expires
		return next
	})
	sleepUntil(first.Expires)
	listed := t.list(ruleIndexUntil, subject)
	if !slices.ContainsFunc(listed, func(rec store.Record) bool { return diff(next, rec) == "" }) {
		t.broke(ruleIndexUntil, "ListSessions does not return a session that was extended")
	}
}

func listPayloads(t *trial) {
	rec := newLogin(newSubject())
	t.create(rec)
	got := t.list(ruleList, rec.Subject)
	if len(got) != 1 {
		t.broke(ruleList, "ListSessions returned %d records, want 1", len(got))
	}
	original := bytes.Clone(got[0].Payload)
	t.churn(rec)
	if !bytes.Equal(got[0].Payload, original) {
		t.broke(rulePayload, "the store has changed a payload that ListSessions had returned")
	}
}
