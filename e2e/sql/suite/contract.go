package suite

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// mustCreate creates a record.
func mustCreate(t testing.TB, st store.Store, rec store.Record) store.Record {
	t.Helper()
	if err := st.Create(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

// wantRecord fails the test if the store does not hold the record.
func wantRecord(t testing.TB, st store.Store, want store.Record) {
	t.Helper()
	want.LoginSince, want.IndexUntil = time.Time{}, time.Time{}
	got, err := st.Load(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("loaded record (-want +got):\n%s", diff)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// wantDeleted fails the test if the record has no tombstone from after since.
func wantDeleted(t testing.TB, st store.Store, id store.ID, since time.Time) {
	t.Helper()
	_, err := st.Load(t.Context(), id)
	var deleted *store.DeletedError
	if !errors.As(err, &deleted) {
		t.Fatalf("Load of a deleted record: error %v, want a DeletedError", err)
	}
	if since = since.Truncate(time.Millisecond); deleted.At.Before(since) || deleted.At.After(time.Now()) {
		t.Errorf("deleted at %v, want between %v and now", deleted.At, since)
	}
}

func contract(t *testing.T, db Database) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *sqlstore.Store)
	}{
		{"records of any bytes come back whole", roundTrips},
		{"a repeated create is one create", createRepeats},
		{"an ID that has expired can be created", createOverExpired},
		{"an update with another base returns the current record", updateConflicts},
		{"an update is known again after 31 others", updateRepeats},
		{"an expired record is not found", expiry},
		{"a deleted record leaves a tombstone", deletes},
		{"a record without an ID or a revision is refused", incomplete},
		{"too large a record is refused", tooLarge},
		{"a context that has ended changes nothing", endedContext},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t, db, sqlstore.Options{})) })
	}
}

func roundTrips(t *testing.T, st *sqlstore.Store) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, text := range []string{"", "\x00", "a\x00b", string(all), `\' "$1 ?1 {control}`, strings.Repeat(string(all), 1000)} {
		rec := newRecord(text)
		rec.Payload = []byte(text)
		rec.Rev |= 1 << 63
		mustCreate(t, st, rec)
		wantRecord(t, st, rec)
		changed := next(rec, text+text)
		if len(text) < 100_000 {
			changed.Subject = text + "!"
		}
		changed.Expires = rec.Expires.Add(1234567 * time.Millisecond)
		changed.LoginSince = time.Now()
		if err := st.Update(t.Context(), rec.Rev, changed); err != nil {
			t.Fatal(err)
		}
		wantRecord(t, st, changed)
	}
	rec := newRecord("")
	rec.Payload = nil // as good as empty, and no tombstone
	mustCreate(t, st, rec)
	rec.Payload = []byte{}
	wantRecord(t, st, rec)
}

func createRepeats(t *testing.T, st *sqlstore.Store) {
	for _, rec := range []store.Record{newRecord(""), newRecord("ann"), login(newRecord("ann"))} {
		mustCreate(t, st, rec)
		mustCreate(t, st, rec)
		other := next(rec, "other")
		wantError(t, st.Create(t.Context(), other), store.ErrExists)
		wantRecord(t, st, rec)
		if err := st.Update(t.Context(), rec.Rev, other); err != nil {
			t.Fatal(err)
		}
		wantError(t, st.Create(t.Context(), rec), store.ErrExists)
		wantRecord(t, st, other)
	}
}

func createOverExpired(t *testing.T, st *sqlstore.Store) {
	for _, rec := range []store.Record{newRecord("ann"), login(newRecord("ann"))} {
		expired := rec
		expired.Expires = time.Now().Add(-time.Millisecond)
		mustCreate(t, st, expired)
		rec.Rev = store.NewRev()
		mustCreate(t, st, rec)
		wantRecord(t, st, rec)
	}
}

func updateConflicts(t *testing.T, st *sqlstore.Store) {
	rec := mustCreate(t, st, newRecord("ann"))
	second := next(rec, "second")
	if err := st.Update(t.Context(), rec.Rev, second); err != nil {
		t.Fatal(err)
	}
	for _, third := range []store.Record{next(rec, "third"), login(next(rec, "third"))} {
		err := st.Update(t.Context(), rec.Rev, third)
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			t.Fatalf("error %v, want a ConflictError", err)
		}
		if diff := cmp.Diff(second, conflict.Current); diff != "" {
			t.Errorf("current record (-want +got):\n%s", diff)
		}
		wantRecord(t, st, second)
	}
	wantError(t, st.Update(t.Context(), rec.Rev, newRecord("")), store.ErrNotFound)
}

func updateRepeats(t *testing.T, st *sqlstore.Store) {
	rec := mustCreate(t, st, newRecord("ann"))
	mine := next(rec, "mine")
	last := rec
	for range 32 {
		write := next(last, "other")
		if last.Rev == rec.Rev {
			write = mine
		}
		if err := st.Update(t.Context(), last.Rev, write); err != nil {
			t.Fatal(err)
		}
		last = write
		if err := st.Update(t.Context(), rec.Rev, mine); err != nil {
			t.Fatalf("the same update again: %v", err)
		}
		wantRecord(t, st, last)
	}
}

func expiry(t *testing.T, st *sqlstore.Store) {
	rec := newRecord("ann")
	rec.Expires = time.Now().Add(-time.Millisecond).Truncate(time.Millisecond)
	mustCreate(t, st, rec)
	_, err := st.Load(t.Context(), rec.ID)
	wantError(t, err, store.ErrNotFound)
	for _, rev := range []store.Rev{rec.Rev, store.NewRev()} {
		late := next(newRecord("ann"), "late")
		late.ID = rec.ID
		wantError(t, st.Update(t.Context(), rev, late), store.ErrNotFound)
	}
	found, err := st.ListSessions(t.Context(), "ann")
	if err != nil || len(found) > 0 {
		t.Errorf("expired sessions in the list: %v, %v", found, err)
	}
}

func deletes(t *testing.T, st *sqlstore.Store) {
	rec := mustCreate(t, st, newRecord("ann"))
	unknown := newRecord("ann")
	start := time.Now()
	for _, rec := range []store.Record{rec, unknown} {
		for range 2 {
			if err := st.Delete(t.Context(), rec.ID); err != nil {
				t.Fatal(err)
			}
		}
		wantDeleted(t, st, rec.ID, start)
		for _, write := range []store.Record{rec, login(next(rec, ""))} {
			wantError(t, st.Create(t.Context(), write), store.ErrExists)
		}
		for _, write := range []store.Record{next(rec, ""), login(next(rec, ""))} {
			err := st.Update(t.Context(), rec.Rev, write)
			var deleted *store.DeletedError
			if !errors.As(err, &deleted) {
				t.Errorf("Update of a deleted record: error %v, want a DeletedError", err)
			}
		}
		wantDeleted(t, st, rec.ID, start)
	}
}

func incomplete(t *testing.T, st *sqlstore.Store) {
	rec := mustCreate(t, st, newRecord(""))
	noRev, noID := next(rec, ""), next(rec, "")
	noRev.Rev, noID.ID = 0, store.ID{}
	for _, bad := range []store.Record{noRev, noID} {
		if st.Create(t.Context(), bad) == nil || st.Update(t.Context(), rec.Rev, bad) == nil {
			t.Errorf("%v with revision %d was stored", bad.ID, bad.Rev)
		}
	}
	wantRecord(t, st, rec)
}

func tooLarge(t *testing.T, st *sqlstore.Store) {
	rec := mustCreate(t, st, newRecord(""))
	large := next(rec, strings.Repeat("x", 1<<20))
	if err := st.Update(t.Context(), rec.Rev, large); err != nil {
		t.Fatal(err)
	}
	wantRecord(t, st, large)
	larger := next(rec, strings.Repeat("x", 1<<20+1))
	wantError(t, st.Update(t.Context(), large.Rev, larger), store.ErrTooLarge)
	larger.ID = store.NewID()
	wantError(t, st.Create(t.Context(), larger), store.ErrTooLarge)
}

func endedContext(t *testing.T, st *sqlstore.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := mustCreate(t, st, newRecord("ann"))
	other := newRecord("ann")
	wantError(t, st.Create(ctx, other), context.Canceled)
	wantError(t, st.Update(ctx, rec.Rev, next(rec, "")), context.Canceled)
	wantError(t, st.Delete(ctx, rec.ID), context.Canceled)
	wantRecord(t, st, rec)
	_, err := st.Load(t.Context(), other.ID)
	wantError(t, err, store.ErrNotFound)
}
