package rueidis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
	"github.com/typedsession/typedsession/store/storetest"
)

// takenForCluster is a client that says that it is of a cluster, so that a record
// and its index entry are written by two commands.
type takenForCluster struct{ client.Client }

func (takenForCluster) Mode() client.ClientMode { return client.ClientModeCluster }

// splitStore returns a store on one server that writes as in a cluster.
func splitStore(t testing.TB, addr string) *rueidis.Store {
	t.Helper()
	c, err := client.NewClient(client.ClientOption{InitAddress: []string{addr}, DisableCache: true, DisableRetry: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	st, err := rueidis.New(takenForCluster{c}, rueidis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// login makes a record the subject's, as a manager does for a request that
// arrived at since: a new record, or, with a record of a visitor, an update that
// is tried again after a conflict.
func login(st store.Store, visitor *store.Record, subject string, since time.Time) (store.ID, error) {
	ctx := context.Background()
	if visitor == nil {
		for {
			rec := asLogin(newRecord(), subject, since)
			err := st.Create(ctx, rec)
			if errors.Is(err, store.ErrExists) {
				continue
			}
			return rec.ID, err
		}
	}
	base := *visitor
	for {
		err := st.Update(ctx, base.Rev, asLogin(next(base), subject, since))
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			return base.ID, err
		}
		base = conflict.Current
	}
}

func asLogin(rec store.Record, subject string, since time.Time) store.Record {
	rec.Subject, rec.LoginSince, rec.IndexUntil = subject, since, rec.Expires
	return rec
}

// lists reports whether the subject's index has the session.
func lists(t *testing.T, st *rueidis.Store, subject string, id store.ID) bool {
	t.Helper()
	records, err := st.ListSessions(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(records, func(r store.Record) bool { return r.ID == id })
}

// TestLoginsRaceWithRevocation lets logins whose requests arrived before a
// revocation race with it. None may survive, on one server, in a cluster, and
// with connections that break.
func TestLoginsRaceWithRevocation(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		t.Run("one server", func(t *testing.T) {
			url := "redis://" + p.Start(t).Addr
			testLoginsRace(t, open(t, url, rueidis.Options{}), open(t, url, rueidis.Options{}))
		})
		t.Run("one server, two commands", func(t *testing.T) {
			addr := p.Start(t).Addr
			testLoginsRace(t, splitStore(t, addr), splitStore(t, addr))
		})
		t.Run("a cluster", func(t *testing.T) {
			url := clusterURL(p.StartCluster(t, false))
			testLoginsRace(t, open(t, url, rueidis.Options{}), open(t, url, rueidis.Options{}))
		})
		t.Run("one server, connections are cut", func(t *testing.T) {
			s := p.Start(t)
			proxy := redistest.NewProxy(t, s.Addr)
			broken := open(t, "redis://"+proxy.Addr, rueidis.Options{})
			direct := open(t, "redis://"+s.Addr, rueidis.Options{})
			stop := proxy.CutEvery(2 * time.Millisecond)
			testLoginsRace(t, broken, direct)
			t.Logf("%d connections cut", stop())
		})
		t.Run("two commands, connections are cut", func(t *testing.T) {
			s := p.Start(t)
			proxy := redistest.NewProxy(t, s.Addr)
			broken := splitStore(t, proxy.Addr)
			direct := open(t, "redis://"+s.Addr, rueidis.Options{})
			stop := proxy.CutEvery(2 * time.Millisecond)
			testLoginsRace(t, broken, direct)
			t.Logf("%d connections cut", stop())
		})
	})
}

func testLoginsRace(t *testing.T, st, direct *rueidis.Store) {
	const rounds = 40
	revoked, ended := 0, 0
	for round := range rounds {
		subject := "alice " + strconv.Itoa(round)
		since := time.Now()
		before, err := login(direct, nil, subject, since)
		if err != nil {
			t.Fatal(err)
		}
		var ids [6]store.ID
		var wg sync.WaitGroup
		for i := range ids {
			var visitor *store.Record
			if i < 3 {
				rec := newRecord()
				rec.Subject = []string{"", "visitor"}[i%2]
				if err := direct.Create(t.Context(), rec); err != nil {
					t.Fatal(err)
				}
				visitor = &rec
			}
			wg.Go(func() {
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
				ids[i], _ = login(st, visitor, subject, since)
			})
		}
		wg.Go(func() {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			for {
				_, err := st.RevokeSubject(t.Context(), subject, time.Now())
				if err == nil {
					return
				}
			}
		})
		wg.Wait()
		for _, id := range append(ids[:], before) {
			if wantDead(t, direct, subject, id) {
				ended++
			} else {
				revoked++
			}
		}
		if records, err := direct.ListSessions(t.Context(), subject); err != nil || len(records) != 0 {
			t.Fatalf("after the revocation the subject has %d sessions, %v", len(records), err)
		}
		id, err := login(direct, nil, subject, time.Now().Add(time.Millisecond))
		if err != nil {
			t.Fatalf("a login after the revocation: %v", err)
		}
		if !lists(t, direct, subject, id) {
			t.Fatal("a login after the revocation is not listed")
		}
	}
	t.Logf("of %d logins %d were ended and %d refused", rounds*7, ended, revoked)
}

// wantDead fails the test if a login has survived its revocation. It reports
// whether the login had been made before.
func wantDead(t *testing.T, st *rueidis.Store, subject string, id store.ID) bool {
	t.Helper()
	rec, err := st.LoadUncached(t.Context(), id)
	if err == nil && rec.Subject == subject {
		t.Fatal("a login from before the revocation survives it")
	}
	return errors.As(err, new(*store.DeletedError))
}

func TestRevokerConformance(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		st := open(t, "redis://"+p.Start(t).Addr, rueidis.Options{})
		storetest.RunRevoker(t, func(*testing.T) store.Revoker { return st.Revoker() })
	})
}

func TestRevokerKeepsTheLaterTime(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		r := open(t, "redis://"+s.Addr, rueidis.Options{}).Revoker()
		now := time.UnixMilli(time.Now().UnixMilli())
		for _, before := range []time.Time{now, now.Add(time.Second), now.Add(-time.Hour)} {
			if err := r.Revoke(t.Context(), "subject:a", before, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Revoke(t.Context(), "subject:a", now, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		got, err := r.RevokedBefore(t.Context(), "subject:b", "subject:a")
		if err != nil || len(got) != 2 || !got[0].IsZero() || !got[1].Equal(now.Add(time.Second)) {
			t.Errorf("revocations %v, %v; want none and %v", got, err, now.Add(time.Second))
		}
		if life := s.MustDo("PTTL", "session:revoked:subject:a"); len(life) != 7 || life[0] != '3' {
			t.Errorf("the revocation lives for %s ms, want almost an hour", life)
		}
	})
}
