package memory_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// newLogin returns the record of a login.
func newLogin(subject string, life time.Duration) store.Record {
	rec := newRecord(life)
	rec.Subject, rec.LoginSince, rec.IndexUntil = subject, time.Now(), time.Now().Add(30*24*time.Hour)
	return rec
}

// listed returns how many sessions the index finds for a subject.
func listed(t testing.TB, st *memory.Store, subject string) int {
	t.Helper()
	recs, err := st.ListSessions(t.Context(), subject)
	if err != nil {
		t.Fatalf("ListSessions: %v", err)
	}
	return len(recs)
}

// The index must not keep a session until its IndexUntil, which is the absolute
// timeout.
func TestIndexEntriesAreRemovedWithTheirSessions(t *testing.T) {
	for name, end := range map[string]func(st *memory.Store, recs []store.Record){
		"deleted": func(st *memory.Store, recs []store.Record) {
			each(recs, func(r store.Record) { st.Delete(t.Context(), r.ID) })
		},
		"revoked": func(st *memory.Store, recs []store.Record) {
			each(recs, func(r store.Record) { st.RevokeSubject(t.Context(), r.Subject, time.Now()) })
		},
		"expired and loaded": func(st *memory.Store, recs []store.Record) {
			time.Sleep(time.Hour)
			each(recs, func(r store.Record) { st.Load(t.Context(), r.ID) })
		},
		"expired and listed": func(st *memory.Store, recs []store.Record) {
			time.Sleep(time.Hour)
			each(recs, func(r store.Record) { st.ListSessions(t.Context(), r.Subject) })
		},
		"expired and scanned": func(st *memory.Store, _ []store.Record) { time.Sleep(time.Hour); st.DeleteExpired() },
		"changed to anonymous": func(st *memory.Store, recs []store.Record) {
			each(recs, func(r store.Record) { r.Rev++; r.Subject = ""; st.Update(t.Context(), r.Rev-1, r) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				var recs []store.Record
				for i := range 1000 {
					recs = append(recs, newLogin(fmt.Sprint("user ", i*i%300), time.Hour))
					create(t, st, recs[i])
				}
				if got := st.IndexEntries(); got != len(recs) {
					t.Fatalf("%d index entries, want %d", got, len(recs))
				}
				end(st, recs)
				if got := st.IndexEntries(); got != 0 {
					t.Errorf("%d index entries are left", got)
				}
			})
		})
	}
}

func each(recs []store.Record, f func(store.Record)) {
	for _, rec := range recs {
		f(rec)
	}
}

// A flood of logins that are refused must not fill the index.
func TestRefusedCreationLeavesNothing(t *testing.T) {
	st := &memory.Store{MaxSessions: 10}
	for range st.MaxSessions {
		create(t, st, newLogin("alice", time.Hour))
	}
	for range 1000 {
		if err := st.Create(t.Context(), newLogin("bob", time.Hour)); !errors.Is(err, store.ErrFull) {
			t.Fatalf("Create: error %v, want ErrFull", err)
		}
	}
	if got := st.IndexEntries(); got != st.MaxSessions {
		t.Errorf("%d index entries, want %d", got, st.MaxSessions)
	}
	late := newLogin("alice", time.Hour)
	if _, err := st.RevokeSubject(t.Context(), "alice", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := st.Create(t.Context(), late); !errors.Is(err, store.ErrRevoked) {
		t.Fatalf("Create: error %v, want ErrRevoked", err)
	}
	if got := st.IndexEntries() + st.Sessions(); got != 0 {
		t.Errorf("a revoked login left %d entries", got)
	}
}

func TestRevocationEndsLoginsInFlight(t *testing.T) {
	for range 200 {
		st := memory.New()
		var logins []store.Record
		for range 20 {
			logins = append(logins, newLogin("alice", time.Hour))
		}
		before := time.Now()
		var wg sync.WaitGroup
		for i, rec := range logins {
			wg.Go(func() {
				if i%2 == 0 {
					_ = st.Create(t.Context(), rec) // it may be revoked
					return
				}
				anonymous := store.Record{ID: rec.ID, Rev: 7, Expires: rec.Expires}
				create(t, st, anonymous)
				_ = st.Update(t.Context(), 7, rec) // it may be revoked
			})
		}
		wg.Go(func() {
			if _, err := st.RevokeSubject(t.Context(), "alice", before); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if got := listed(t, st, "alice"); got != 0 {
			t.Fatalf("%d sessions survived", got)
		}
	}
}
