package rueidis_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

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
		st := splitStore(t, s.Addr)
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
				if s.MustDo("ZSCORE", aliceIndex, string(visitor.ID[:])) == "(nil)" {
					t.Error("the entry is gone, which a later login may have added")
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
