package suite

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

func sweep(t *testing.T, db Database) {
	t.Run("what has expired is swept and nothing else", func(t *testing.T) { sweeps(t, db) })
	t.Run("one process sweeps at a time", func(t *testing.T) { sweepAtOnce(t, db) })
	t.Run("an interval sweeps until Close", func(t *testing.T) { sweepInterval(t, db) })
	t.Run("sweeping beside 16 writers", func(t *testing.T) { sweepBesideWriters(t, db) })
}

// addExpired adds rows that were due five hours ago.
func addExpired(t testing.TB, st *sqlstore.Store, n int) {
	t.Helper()
	for range n {
		rec := newRecord("ann")
		rec.Expires = time.Now().Add(-5 * time.Hour)
		mustCreate(t, st, rec)
	}
}

func sweeps(t *testing.T, db Database) {
	table := newTable()
	st := open(t, db, sqlstore.Options{Table: table})
	addExpired(t, st, 1200)
	live := mustCreate(t, st, newRecord("bob"))
	justExpired := newRecord("bob")
	justExpired.Expires = time.Now().Add(-time.Second)
	mustCreate(t, st, justExpired)
	deleted := mustCreate(t, st, newRecord("bob"))
	start := time.Now()
	if err := st.Delete(t.Context(), deleted.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := st.RevokeSubject(t.Context(), "eve", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := st.Revoke(t.Context(), "old", time.Now(), time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := st.DeleteExpired(t.Context()); err != nil || n != 1201 {
		t.Errorf("%d rows swept, %v; want 1201", n, err)
	}
	wantRecord(t, st, live)
	wantDeleted(t, st, deleted.ID, start)
	late := newRecord("eve")
	late.LoginSince = start.Add(-time.Second)
	wantError(t, st.Create(t.Context(), late), store.ErrRevoked)
	if n, err := st.DeleteExpired(t.Context()); err != nil || n != 0 {
		t.Errorf("%d rows swept again, %v; want 0", n, err)
	}
	if n := number(t, db, "SELECT count(*) FROM "+quote(db.Dialect, table)); n != 3 {
		t.Errorf("%d rows left, want 3", n)
	}
}

func sweepAtOnce(t *testing.T, db Database) {
	table := newTable()
	st := open(t, db, sqlstore.Options{Table: table})
	addExpired(t, st, 1500)
	var all sync.WaitGroup
	var total, busy atomic.Int64
	for range 4 {
		all.Go(func() {
			st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table})
			if err != nil {
				t.Error(err)
				return
			}
			n, err := st.DeleteExpired(t.Context())
			if err != nil {
				t.Error(err)
			}
			total.Add(int64(n))
			if n > 0 {
				busy.Add(1)
			}
		})
	}
	all.Wait()
	if total.Load() != 1500 || busy.Load() != 1 {
		t.Errorf("%d processes swept %d rows, want 1 and 1500", busy.Load(), total.Load())
	}
}

func sweepInterval(t *testing.T, db Database) {
	type result struct {
		n   int
		err error
	}
	swept := make(chan result, 100)
	table := newTable()
	open(t, db, sqlstore.Options{Table: table})
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{
		Table:         table,
		SweepInterval: 10 * time.Millisecond,
		OnSweep:       func(n int, err error) { swept <- result{n, err} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer Shut(st)
	addExpired(t, st, 3)
	for total := 0; total < 3; {
		r := <-swept
		if r.err != nil {
			t.Fatal(r.err)
		}
		total += r.n
	}
	Shut(st)
	Shut(st)
	for len(swept) > 0 {
		<-swept
	}
	time.Sleep(50 * time.Millisecond)
	if len(swept) > 0 {
		t.Error("the store sweeps after Close")
	}
}

// sweepBesideWriters sweeps while sessions are created, changed, logged in and
// out and revoked.
func sweepBesideWriters(t *testing.T, db Database) {
	st := open(t, db, sqlstore.Options{Timeout: time.Minute})
	deadlocks := countDeadlocks(t, db)
	var writers sync.WaitGroup
	end := time.Now().Add(3 * time.Second)
	for w := range 16 {
		writers.Go(func() {
			subject := string(rune('a' + w%4))
			for i := 0; time.Now().Before(end); i++ {
				if err := writeSome(t, st, subject, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	total := 0
	for time.Now().Before(end) {
		n, err := st.DeleteExpired(t.Context())
		if err != nil {
			t.Error(err)
		}
		total += n
	}
	writers.Wait()
	if total == 0 {
		t.Error("nothing was swept")
	}
	if n := countDeadlocks(t, db) - deadlocks; n != 0 {
		t.Errorf("%d deadlocks, want 0; the last:\n%s", n, lastDeadlock(t, db))
	}
	t.Logf("%d rows swept", total)
}

// writeSome does what a user does in a session, and leaves rows to sweep.
func writeSome(t testing.TB, st *sqlstore.Store, subject string, i int) error {
	ctx := t.Context()
	rec := newRecord("")
	if err := st.Create(ctx, rec); err != nil {
		return err
	}
	in := login(next(rec, "in"))
	in.Subject = subject
	err := st.Update(ctx, rec.Rev, in)
	if err != nil && !errors.Is(err, store.ErrRevoked) {
		return err
	}
	old := next(in, "old")
	old.Expires = time.Now().Add(-5 * time.Hour)
	err = st.Update(ctx, in.Rev, old)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		return err
	}
	if i%5 == 0 {
		if err := st.Delete(ctx, rec.ID); err != nil {
			return err
		}
	}
	if i%7 == 0 {
		if _, err := st.RevokeSubject(ctx, subject, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// countDeadlocks returns how many deadlocks the server has resolved.
func countDeadlocks(t testing.TB, db Database) int64 {
	switch db.Dialect {
	case sqlstore.PostgreSQL:
		return number(t, db, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
	case sqlstore.MySQL:
		return number(t, db, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Innodb_deadlocks'")
	}
	return 0
}

// lastDeadlock returns what MariaDB says about its last deadlock.
func lastDeadlock(t testing.TB, db Database) string {
	if db.Dialect != sqlstore.MySQL {
		return "see the log of the server"
	}
	var kind, name, status string
	if err := db.DB.QueryRowContext(t.Context(), "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &status); err != nil {
		t.Error(err)
	}
	_, status, _ = strings.Cut(status, "LATEST DETECTED DEADLOCK")
	status, _, _ = strings.Cut(status, "\nTRANSACTIONS\n")
	return status
}
