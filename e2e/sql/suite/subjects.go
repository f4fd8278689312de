package suite

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// oddSubjects are texts that a database may trim, fold, cut or refuse.
var oddSubjects = []string{
	"ann", "ANN", "ann ", "ann\x00", "änn", "\xff\xfe", "'; DROP TABLE sessions; --", "%",
	strings.Repeat("long ", 40_000), strings.Repeat("long ", 40_000) + "!",
}

func subjects(t *testing.T, db Database) {
	t.Run("subjects of any bytes and length are told apart", func(t *testing.T) {
		oneOfMany(t, open(t, db, sqlstore.Options{}))
	})
	t.Run("a revocation covers logins that began before it", func(t *testing.T) {
		refusals(t, open(t, db, sqlstore.Options{}))
	})
	t.Run("a thousand sessions are revoked", func(t *testing.T) {
		thousand(t, open(t, db, sqlstore.Options{}))
	})
}

// wantSessions fails the test if the subject has other sessions.
func wantSessions(t testing.TB, st store.SubjectIndex, subject string, want ...store.Record) {
	t.Helper()
	got, err := st.ListSessions(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	byID := cmpopts.SortSlices(func(a, b store.Record) bool { return slices.Compare(a.ID[:], b.ID[:]) < 0 })
	notKept := cmpopts.IgnoreFields(store.Record{}, "LoginSince", "IndexUntil")
	if diff := cmp.Diff(want, got, byID, notKept); diff != "" {
		t.Fatalf("sessions of %.20q (-want +got):\n%s", subject, diff)
	}
}

func oneOfMany(t *testing.T, st *sqlstore.Store) {
	sessions := make(map[string][]store.Record)
	for _, subject := range oddSubjects {
		for range 3 {
			sessions[subject] = append(sessions[subject], mustCreate(t, st, login(newRecord(subject))))
		}
	}
	for _, subject := range oddSubjects {
		wantSessions(t, st, subject, sessions[subject]...)
	}
	for _, subject := range oddSubjects {
		start := time.Now()
		kept := sessions[subject][0]
		ended, err := st.RevokeSubject(t.Context(), subject, time.Now(), kept.ID, store.NewID())
		if err != nil {
			t.Fatal(err)
		}
		if len(ended) != 2 || slices.Contains(ended, kept.ID) {
			t.Errorf("RevokeSubject of %.20q has ended %v", subject, ended)
		}
		for _, id := range ended {
			wantDeleted(t, st, id, start)
		}
		wantSessions(t, st, subject, kept)
		wantRecord(t, st, kept)
		wantError(t, st.Create(t.Context(), func() store.Record {
			late := login(newRecord(subject))
			late.LoginSince = start.Add(-time.Second)
			return late
		}()), store.ErrRevoked)
	}

	// A change of the subject moves the session.
	rec := sessions["ann"][0]
	moved := login(next(rec, "moved"))
	moved.Subject = "bob"
	if err := st.Update(t.Context(), rec.Rev, moved); err != nil {
		t.Fatal(err)
	}
	wantSessions(t, st, "ann")
	wantSessions(t, st, "bob", moved)
	if err := st.Delete(t.Context(), moved.ID); err != nil {
		t.Fatal(err)
	}
	wantSessions(t, st, "bob")
	wantSessions(t, st, "")
}

func refusals(t *testing.T, st *sqlstore.Store) {
	before := time.Now().Truncate(time.Millisecond)
	anonymous := mustCreate(t, st, newRecord(""))
	if _, err := st.RevokeSubject(t.Context(), "ann", before); err != nil {
		t.Fatal(err)
	}
	if _, err := st.RevokeSubject(t.Context(), "ann", before.Add(-time.Minute)); err != nil {
		t.Fatal(err) // an earlier time changes nothing
	}
	for _, since := range []time.Time{before, before.Add(-time.Minute)} {
		rec := newRecord("ann")
		rec.LoginSince = since
		wantError(t, st.Create(t.Context(), rec), store.ErrRevoked)
		rec.ID = anonymous.ID
		wantError(t, st.Update(t.Context(), anonymous.Rev, rec), store.ErrRevoked)
		wantRecord(t, st, anonymous)
	}
	wantSessions(t, st, "ann")

	// A later login, other subjects' and writes that are no login are not covered.
	// Among 600 subjects, some share a gate with ann.
	later := newRecord("ann")
	later.LoginSince = before.Add(time.Millisecond)
	mustCreate(t, st, later)
	mustCreate(t, st, newRecord("ann"))
	for i := range 600 {
		rec := newRecord(strings.Repeat("b", i+1))
		rec.LoginSince = before
		mustCreate(t, st, rec)
		rec.LoginSince = before.Add(-time.Minute)
		changed := next(rec, "changed")
		changed.LoginSince = before.Add(-time.Minute)
		if err := st.Update(t.Context(), rec.Rev, changed); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			// One of those is revoked too, after its gate was bypassed or not.
			if _, err := st.RevokeSubject(t.Context(), rec.Subject, before); err != nil {
				t.Fatal(err)
			}
			wantSessions(t, st, rec.Subject)
			rec.ID = store.NewID()
			wantError(t, st.Create(t.Context(), rec), store.ErrRevoked)
		}
	}
}

func thousand(t *testing.T, st *sqlstore.Store) {
	var kept []store.ID
	for i := range 1100 {
		rec := newRecord("ann")
		mustCreate(t, st, rec)
		if i%10 == 0 {
			kept = append(kept, rec.ID)
		}
	}
	ended, err := st.RevokeSubject(t.Context(), "ann", time.Now(), kept...)
	if err != nil || len(ended) != 990 {
		t.Errorf("%d sessions ended, %v; want 990", len(ended), err)
	}
	left, err := st.ListSessions(t.Context(), "ann")
	if err != nil || len(left) != len(kept) {
		t.Errorf("%d sessions left, %v; want %d", len(left), err, len(kept))
	}
}

func revoker(t *testing.T, db Database) {
	st := open(t, db, sqlstore.Options{})
	now := time.Now().Truncate(time.Millisecond)
	until := now.Add(time.Hour)
	for _, before := range []time.Time{now.Add(-time.Minute), now, now.Add(-time.Hour)} {
		if err := st.Revoke(t.Context(), "a", before, until); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Revoke(t.Context(), "a\x00", now.Add(-time.Minute), until); err != nil {
		t.Fatal(err)
	}
	got, err := st.RevokedBefore(t.Context(), "b", "a", "a\x00", "A", "a")
	if err != nil {
		t.Fatal(err)
	}
	want := []time.Time{{}, now, now.Add(-time.Minute), {}, now}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("revocations (-want +got):\n%s", diff)
	}
	if got, err := st.RevokedBefore(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("revocations of no keys: %v, %v", got, err)
	}
	// A key is no subject.
	rec := newRecord("a")
	rec.LoginSince = now.Add(-time.Second)
	mustCreate(t, st, rec)

	many := make([]string, 1300)
	for i := range many {
		many[i] = strings.Repeat("k", i)
	}
	many[1299] = "a"
	got, err = st.RevokedBefore(t.Context(), many...)
	if err != nil || len(got) != len(many) || !got[1299].Equal(now) || !got[7].IsZero() {
		t.Errorf("revocations of many keys: %d, %v", len(got), err)
	}
}
