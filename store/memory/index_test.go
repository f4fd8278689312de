package memory_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// note notes a record's session in the index, until the record expires.
func note(t testing.TB, st *memory.Store, rec session.Record) {
	t.Helper()
	if err := st.Index(context.Background(), rec.Subject, rec.ID, rec.Expires); err != nil {
		t.Fatalf("Index: %v", err)
	}
}

// indexed returns how many sessions are noted for a subject.
func indexed(t testing.TB, st *memory.Store, subject string) int {
	t.Helper()
	found, err := st.Indexed(context.Background(), subject)
	if err != nil {
		t.Fatalf("Indexed: %v", err)
	}
	return len(found)
}

// What was noted for a login that then failed is no session's.
func TestSweepStrikesOffWhatNobodyStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		for i := range 1000 {
			rec := newRecord(time.Hour)
			rec.Subject = fmt.Sprint("user ", i%300)
			note(t, st, rec)
		}
		later := newRecord(2 * time.Hour)
		later.Subject = "user 7"
		note(t, st, later)
		if got := st.Noted(); got != 1001 {
			t.Fatalf("%d sessions noted, want 1001", got)
		}
		time.Sleep(time.Hour)
		st.Sweep()
		if noted, found := st.Noted(), indexed(t, st, "user 7"); noted != 1 || found != 1 {
			t.Errorf("%d sessions noted, %d of them found, want 1 and 1", noted, found)
		}
	})
}

// A session may be noted for longer than its record lasts, when it is about to
// be stored for longer.
func TestSweepLeavesWhatIsNotedForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		rec := newRecord(time.Hour)
		rec.Subject = "alice"
		create(t, st, rec)
		rec.Expires = rec.Expires.Add(time.Hour)
		note(t, st, rec)
		time.Sleep(time.Hour)
		st.Sweep()
		if got := indexed(t, st, "alice"); got != 1 {
			t.Errorf("%d sessions of the subject, want 1", got)
		}
		time.Sleep(time.Hour)
		st.Sweep()
		if got := st.Noted(); got != 0 {
			t.Errorf("%d sessions noted, want 0", got)
		}
	})
}

// Nobody calls Sweep here: what other logins find by the way must do.
func TestChurnOfFailedLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const live, lives = 1000, 10
		st := memory.New()
		most := 0
		for i := range live * lives {
			rec := newRecord(time.Hour)
			rec.Subject = fmt.Sprint("user ", i)
			note(t, st, rec)
			time.Sleep(time.Hour / live)
			most = max(most, st.Noted())
		}
		t.Logf("at most %d sessions noted, %d of them live", most, live)
		if most > 2*live {
			t.Errorf("%d sessions noted, want at most %d", most, 2*live)
		}
	})
}
