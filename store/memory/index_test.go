package memory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// newLogin returns the record of a login that expires in an hour. Its IndexUntil
// is in 30 days, as that of a session which can be extended.
func newLogin(subject string) store.Record {
	rec := newRecord(time.Hour)
	rec.Subject, rec.LoginSince, rec.IndexUntil = subject, time.Now(), time.Now().Add(30*24*time.Hour)
	return rec
}

// listed returns how many sessions the index finds for a subject.
func listed(t testing.TB, st *memory.Store, subject string) int {
	t.Helper()
	recs, err := st.ListSessions(context.Background(), subject)
	if err != nil {
		t.Fatalf("ListSessions: %v", err)
	}
	return len(recs)
}

// revoke revokes a subject, which must succeed.
func revoke(t testing.TB, st *memory.Store, subject string, before time.Time) []store.ID {
	t.Helper()
	ids, err := st.RevokeSubject(context.Background(), subject, before)
	if err != nil {
		t.Fatalf("RevokeSubject: %v", err)
	}
	return ids
}

// If an index entry outlived its session, every login would cost memory until
// its IndexUntil.
func TestIndexEntryIsRemovedWithItsSession(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, st *memory.Store, rec store.Record){
		"deleted": func(t *testing.T, st *memory.Store, rec store.Record) {
			if err := st.Delete(t.Context(), rec.ID); err != nil {
				t.Error(err)
			}
		},
		"revoked": func(t *testing.T, st *memory.Store, rec store.Record) {
			revoke(t, st, rec.Subject, time.Now())
		},
		"expired, then loaded": func(t *testing.T, st *memory.Store, rec store.Record) {
			time.Sleep(time.Until(rec.Expires))
			if isLive(t, st, rec.ID) {
				t.Error("found when it expires")
			}
		},
		"expired, then listed": func(t *testing.T, st *memory.Store, rec store.Record) {
			time.Sleep(time.Until(rec.Expires))
			listed(t, st, rec.Subject)
		},
		"expired, then scanned": func(_ *testing.T, st *memory.Store, rec store.Record) {
			time.Sleep(time.Until(rec.Expires))
			st.DeleteExpired()
		},
		"anonymous again": func(t *testing.T, st *memory.Store, rec store.Record) {
			next := rec
			next.Rev, next.Subject = store.NewRev(), ""
			if err := st.Update(t.Context(), rec.Rev, next); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				var recs []store.Record
				for i := range 1000 {
					rec := newLogin(fmt.Sprint("user ", i*i%300))
					create(t, st, rec)
					recs = append(recs, rec)
				}
				if got := st.IndexEntries(); got != len(recs) {
					t.Fatalf("%d index entries, want %d", got, len(recs))
				}
				for _, rec := range recs {
					end(t, st, rec)
				}
				if got := st.IndexEntries(); got != 0 {
					t.Errorf("%d index entries, want 0", got)
				}
			})
		})
	}
}

// A flood of logins that are refused must not fill the memory.
func TestRefusedLoginLeavesNothing(t *testing.T) {
	st := &memory.Store{MaxSessions: 10}
	for range st.MaxSessions {
		create(t, st, newLogin("alice"))
	}
	for i := range 1000 {
		err := st.Create(t.Context(), newLogin(fmt.Sprint("user ", i)))
		if !errors.Is(err, store.ErrFull) {
			t.Fatalf("Create: error %v, want ErrFull", err)
		}
	}
	if got := st.IndexEntries(); got != st.MaxSessions {
		t.Errorf("%d index entries, want %d", got, st.MaxSessions)
	}

	revoke(t, st, "alice", time.Now())
	entries := st.Entries()
	late := newLogin("alice")
	late.LoginSince = time.Now().Add(-time.Second)
	for range 1000 {
		if err := st.Create(t.Context(), late); !errors.Is(err, store.ErrRevoked) {
			t.Fatalf("Create: error %v, want ErrRevoked", err)
		}
		late.ID = store.NewID()
	}
	if got := st.IndexEntries() + st.Sessions() + st.Entries() - entries; got != 0 {
		t.Errorf("the refused logins have left %d entries", got)
	}
}

func TestRevocationLastsForTombstoneLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		login := newLogin("alice")
		revoke(t, st, "alice", time.Now())
		time.Sleep(store.TombstoneLife - time.Millisecond)
		if err := st.Create(t.Context(), login); !errors.Is(err, store.ErrRevoked) {
			t.Errorf("a login a millisecond before the end: error %v, want ErrRevoked", err)
		}
		// A second revocation lasts as long, even if its time is earlier.
		revoke(t, st, "alice", login.LoginSince.Add(-time.Hour))
		time.Sleep(store.TombstoneLife - time.Millisecond)
		if err := st.Create(t.Context(), login); !errors.Is(err, store.ErrRevoked) {
			t.Errorf("a login a millisecond before the second end: error %v, want ErrRevoked", err)
		}
		time.Sleep(time.Millisecond)
		create(t, st, login)
	})
}

func TestRevocationsAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perLife = 5000
		st := memory.New()
		most := 0
		for i := range 5 * perLife {
			revoke(t, st, fmt.Sprint("user ", i), time.Now())
			time.Sleep(store.TombstoneLife / perLife)
			most = max(most, st.Revocations())
		}
		if most > perLife*5/4 {
			t.Errorf("%d revocations were kept of %d in TombstoneLife, want at most a quarter more", most, perLife)
		}
		time.Sleep(store.TombstoneLife)
		st.DeleteExpired()
		if got := st.Revocations(); got != 0 {
			t.Errorf("%d revocations after DeleteExpired, want 0", got)
		}
	})
}

// A client that logs in for each call must not make the logins of its subject
// slower, see BenchmarkLogin: no operation may go through all its sessions.
func TestManySessionsOfASubject(t *testing.T) {
	st := memory.New()
	var ids []store.ID
	for range 10_000 {
		ids = append(ids, create(t, st, newLogin("alice")))
		if got := st.LongestIDList(); got > 8 {
			t.Fatalf("the sessions of a subject are in a list of %d, want at most 8", got)
		}
	}
	if got := listed(t, st, "alice"); got != len(ids) {
		t.Errorf("%d sessions listed, want %d", got, len(ids))
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for i, id := range ids {
		if err := st.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if left := len(ids) - i - 1; left < 20 || left%500 == 0 {
			if got := listed(t, st, "alice"); got != left {
				t.Errorf("%d sessions listed, want %d", got, left)
			}
		}
	}
	if got := st.IndexEntries(); got != 0 {
		t.Errorf("%d index entries, want 0", got)
	}
}

// Whatever is written concurrently, the index holds what the shards hold.
func TestIndexEqualsRecords(t *testing.T) {
	st := memory.New()
	ids := make([]store.ID, 50)
	for i := range ids {
		ids[i] = store.NewID()
	}
	subjects := []string{"", "alice", "bob", "carol"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5000 {
				writeSomething(st, ids[rand.IntN(len(ids))], subjects)
			}
		})
	}
	wg.Wait()
	live := make(map[string]int)
	indexed := 0
	for _, id := range ids {
		if rec, err := st.Load(t.Context(), id); err == nil {
			live[rec.Subject]++
			if rec.Subject != "" {
				indexed++
			}
		}
	}
	for _, subject := range subjects[1:] {
		if got := listed(t, st, subject); got != live[subject] {
			t.Errorf("%d sessions of %s listed, want %d", got, subject, live[subject])
		}
	}
	if got := st.IndexEntries(); got != indexed {
		t.Errorf("%d index entries, want %d", got, indexed)
	}
}

// writeSomething applies a random write to a session. Deletions are rare, since
// each makes an ID useless.
func writeSomething(st *memory.Store, id store.ID, subjects []string) {
	ctx := context.Background()
	rec := newRecord(time.Hour)
	rec.ID, rec.Subject = id, subjects[rand.IntN(len(subjects))]
	switch n := rand.IntN(5000); {
	case n < 2:
		_ = st.Delete(ctx, id) // never fails
	case n < 4:
		_, _ = st.RevokeSubject(ctx, "alice", time.Now().Add(-time.Second)) // never fails
	case n < 1000:
		_ = st.Create(ctx, rec) // the ID may be in use
	default:
		if old, err := st.Load(ctx, id); err == nil {
			_ = st.Update(ctx, old.Rev, rec) // may be a conflict
		}
	}
}
