package rueidis_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// eachLayout runs test with a store that writes a record and its index entry by
// one script, and with one that takes two commands.
func eachLayout(t *testing.T, test func(t *testing.T, s *redistest.Server, st *rueidis.Store)) {
	t.Helper()
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		t.Run("one script", func(t *testing.T) {
			s := p.Start(t)
			test(t, s, open(t, "redis://"+s.Addr, rueidis.Options{}))
		})
		t.Run("two commands", func(t *testing.T) {
			s := p.Start(t)
			test(t, s, splitStore(t, s.Addr))
		})
	})
}

const aliceIndex = "session:subject:alice"

// TestEvictedIndex takes away the index, as a server does at its memory limit
// with any other policy than noeviction. The next extension of a session must
// bring its entry back.
func TestEvictedIndex(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		rec := asLogin(newRecord(), "alice", time.Now())
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		s.MustDo("DEL", aliceIndex)
		base := rec.Rev
		rec = next(rec)
		rec.LoginSince = time.Time{}
		rec.Expires = rec.Expires.Add(time.Minute)
		rec.IndexUntil = rec.Expires
		if err := st.Update(t.Context(), base, rec); err != nil {
			t.Fatal(err)
		}
		if !lists(t, st, "alice", rec.ID) {
			t.Error("a session that was extended is not in its index")
		}
		ids, err := st.RevokeSubject(t.Context(), "alice", time.Now())
		if err != nil || !slices.Equal(ids, []store.ID{rec.ID}) {
			t.Errorf("RevokeSubject: %v, %v", ids, err)
		}
	})
}

// TestFailedCreateLeavesNoEntry has logins fail that cannot be stored.
func TestFailedCreateLeavesNoEntry(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		gone := asLogin(newRecord(), "alice", time.Now())
		if err := st.Delete(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		if err := st.Create(t.Context(), gone); !errors.Is(err, store.ErrExists) {
			t.Errorf("Create upon a tombstone: %v, want ErrExists", err)
		}
		if n := s.MustDo("ZCARD", aliceIndex); n != "0" {
			t.Errorf("a login upon a tombstone leaves %s entries", n)
		}
		s.MustDo("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
		for range 10 {
			err := st.Create(t.Context(), asLogin(newRecord(), "alice", time.Now()))
			if err == nil || !strings.Contains(err.Error(), "OOM") {
				t.Errorf("Create on a full server: %v, want an error that says OOM", err)
			}
		}
		if n := s.MustDo("ZCARD", aliceIndex); n != "0" {
			t.Errorf("logins on a full server leave %s entries", n)
		}
	})
}

// TestIndexIsBounded makes sure that the index of a subject that logs in again
// and again holds only sessions that live, and is gone after the last one.
func TestIndexIsBounded(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		for range 50 {
			rec := asLogin(newRecord(), "alice", time.Now())
			rec.Expires = time.Now().Add(20 * time.Millisecond)
			rec.IndexUntil = rec.Expires
			if err := st.Create(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Millisecond)
		rec := asLogin(newRecord(), "alice", time.Now())
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if n := s.MustDo("ZCARD", aliceIndex); n != "1" {
			t.Errorf("the index has %s members, want 1", n)
		}
		life, err := time.ParseDuration(s.MustDo("PTTL", aliceIndex) + "ms")
		if err != nil || life <= 0 || life > time.Minute {
			t.Errorf("the index lives for %v, %v, want up to a minute", life, err)
		}
		if err := st.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		if n := s.MustDo("EXISTS", aliceIndex); n != "0" {
			t.Error("the index is there after the last session was deleted")
		}
	})
}

// TestForeignIndex puts something else under the key of an index: logins fail
// with an error that says so, and leave it as it is.
func TestForeignIndex(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		s.MustDo("SET", aliceIndex, "text")
		err := st.Create(t.Context(), asLogin(newRecord(), "alice", time.Now()))
		if isContract(err) || err == nil || !strings.Contains(err.Error(), "index: WRONGTYPE") {
			t.Errorf("Create: %v, want an error that names the index", err)
		}
		if got := s.MustDo("GET", aliceIndex); got != "text" {
			t.Errorf("the key holds %q", got)
		}
	})
}

// TestManySessionsOfOneSubject lists and revokes more sessions than one pipeline
// takes.
func TestManySessionsOfOneSubject(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		const count = 1200
		want := make(map[store.ID]bool)
		for range count {
			rec := asLogin(newRecord(), "alice", time.Now())
			if err := st.Create(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			want[rec.ID] = true
		}
		records, err := st.ListSessions(t.Context(), "alice")
		if err != nil || len(records) != count {
			t.Fatalf("ListSessions: %d, %v", len(records), err)
		}
		ids, err := st.RevokeSubject(t.Context(), "alice", time.Now())
		if err != nil || len(ids) != count {
			t.Fatalf("RevokeSubject: %d, %v", len(ids), err)
		}
		for _, id := range ids {
			delete(want, id)
		}
		if len(want) > 0 {
			t.Errorf("%d sessions were not reported", len(want))
		}
	})
}
