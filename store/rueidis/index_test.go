package rueidis_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
			test(t, s, splitStore(t, s.Addr, rueidis.Options{}))
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

// TestRevokeOnFullServer makes sure that a server at its memory limit can still
// end the sessions of a subject, and refuse its logins.
func TestRevokeOnFullServer(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		since := time.Now()
		rec := asLogin(newRecord(), "alice", since)
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		s.MustDo("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
		ids, err := st.RevokeSubject(t.Context(), "alice", time.Now())
		if err != nil || !slices.Equal(ids, []store.ID{rec.ID}) {
			t.Errorf("RevokeSubject: %v, %v", ids, err)
		}
		s.MustDo("CONFIG", "SET", "maxmemory", "0")
		if err := st.Create(t.Context(), asLogin(newRecord(), "alice", since)); !errors.Is(err, store.ErrRevoked) {
			t.Errorf("a login that was revoked: %v, want ErrRevoked", err)
		}
		if n := s.MustDo("ZCARD", aliceIndex); n != "1" { // the revocation
			t.Errorf("the index has %s members, want 1", n)
		}
	})
}

// TestPendingLogin revokes a subject after the first command of a login in a
// cluster, which adds the index entry, and before the second, which updates the
// visitor's record.
func TestPendingLogin(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := splitStore(t, s.Addr, rueidis.Options{})
		for _, test := range []struct {
			name    string
			pending int // logins
			want    error
		}{
			{"one", 1, store.ErrRevoked},
			{"as many as a record can refuse", 31, store.ErrRevoked},
			{"more than a record can refuse", 40, store.ErrConflict},
		} {
			t.Run(test.name, func(t *testing.T) {
				visitor := newRecord()
				visitor.Subject = "visitor"
				first := visitor
				if err := st.Create(t.Context(), first); err != nil {
					t.Fatal(err)
				}
				visitor = next(first)
				if err := st.Update(t.Context(), first.Rev, visitor); err != nil {
					t.Fatal(err)
				}
				var logins []store.Record
				add := []string{"ZADD", aliceIndex, "9999999999999", string(visitor.ID[:])}
				for range test.pending {
					login := asLogin(next(visitor), "alice", time.Now().Add(time.Hour))
					member := append([]byte("p"), visitor.ID[:]...)
					add = append(add, "9999999999999", string(binary.BigEndian.AppendUint64(member, uint64(login.Rev))))
					logins = append(logins, login)
				}
				s.MustDo(add...)
				ids, err := st.RevokeSubject(t.Context(), "alice", time.Now())
				if err != nil || len(ids) > 0 {
					t.Errorf("RevokeSubject: %v, %v", ids, err)
				}
				for _, login := range logins {
					if err := st.Update(t.Context(), visitor.Rev, login); !errors.Is(err, test.want) {
						t.Fatalf("the second command of a login: %v, want %v", err, test.want)
					}
				}
				got, err := st.Load(t.Context(), visitor.ID)
				if errors.Is(test.want, store.ErrConflict) {
					visitor.Rev = got.Rev
				}
				if diff := cmp.Diff(visitor, got); diff != "" || err != nil {
					t.Errorf("the visitor's record: %v (-want +got):\n%s", err, diff)
				}
				if err := st.Update(t.Context(), visitor.Rev, next(visitor)); err != nil {
					t.Errorf("another update: %v", err)
				}
				if err := st.Update(t.Context(), visitor.Rev, logins[0]); !errors.Is(err, store.ErrConflict) {
					t.Errorf("the login after another update: %v, want a conflict", err)
				}
			})
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

// TestRevocationLife makes sure that a revocation is kept for long enough, with
// an empty index too, and that a later one replaces an earlier one.
func TestRevocationLife(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		now := time.UnixMilli(time.Now().UnixMilli())
		for _, before := range []time.Time{now, now.Add(time.Second), now.Add(-time.Hour)} {
			if _, err := st.RevokeSubject(t.Context(), "alice", before); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			since time.Time
			want  error
		}{
			{now.Add(time.Second), store.ErrRevoked},
			{now.Add(time.Second + time.Millisecond), nil},
		} {
			if err := st.Create(t.Context(), asLogin(newRecord(), "alice", test.since)); !errors.Is(err, test.want) {
				t.Errorf("a login %v after the revocation: %v, want %v", test.since.Sub(now.Add(time.Second)), err, test.want)
			}
		}
		life, err := time.ParseDuration(s.MustDo("PTTL", aliceIndex) + "ms")
		if err != nil || life < store.TombstoneLife-10*time.Second {
			t.Errorf("the revocation lives for %v, %v, want %v", life, err, store.TombstoneLife)
		}
	})
}

// TestSparedLogin repeats a login that succeeded and that a revocation has since
// spared by name: it is the caller's own write.
func TestSparedLogin(t *testing.T) {
	eachLayout(t, func(t *testing.T, s *redistest.Server, st *rueidis.Store) {
		rec := asLogin(newRecord(), "alice", time.Now())
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if _, err := st.RevokeSubject(t.Context(), "alice", time.Now(), rec.ID); err != nil {
			t.Fatal(err)
		}
		if err := st.Create(t.Context(), rec); err != nil {
			t.Errorf("the same login again: %v", err)
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
