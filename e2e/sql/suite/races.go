package suite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

func races(t *testing.T, db Database) {
	t.Run("of writers with one base one wins and the others see it", func(t *testing.T) { countTogether(t, db) })
	t.Run("no login survives a revocation that it raced with", func(t *testing.T) { loginsAgainstRevocations(t, db) })
	t.Run("nothing revives a record that is deleted", func(t *testing.T) { deleteAgainstUpdates(t, db) })
}

// add adds one to the counter in the record, as a session manager would, and
// returns how many conflicts it met. It fails if a conflict does not return a
// record that is newer than the one that was refused.
func add(ctx context.Context, st store.Store, rec store.Record) (store.Record, int, error) {
	for conflicts := 0; ; conflicts++ {
		count, err := strconv.Atoi(string(rec.Payload))
		if err != nil {
			return rec, conflicts, err
		}
		changed := next(rec, strconv.Itoa(count+1))
		err = st.Update(ctx, rec.Rev, changed)
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			return changed, conflicts, err
		}
		now, err := strconv.Atoi(string(conflict.Current.Payload))
		if err != nil || now <= count || conflict.Current.Rev == rec.Rev {
			return rec, conflicts, fmt.Errorf("a conflict at %d returned the record at %d, %v", count, now, err)
		}
		rec = conflict.Current
	}
}

func countTogether(t *testing.T, db Database) {
	st := open(t, db, sqlstore.Options{Timeout: time.Minute})
	const writers, each = 12, 40
	rec := newRecord("ann")
	rec.Payload = []byte("0")
	mustCreate(t, st, rec)
	var all sync.WaitGroup
	var conflicts atomic.Int64
	for range writers {
		all.Go(func() {
			last := rec
			for range each {
				var n int
				var err error
				if last, n, err = add(t.Context(), st, last); err != nil {
					t.Error(err)
					return
				}
				conflicts.Add(int64(n))
			}
		})
	}
	all.Wait()
	last, err := st.Load(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(writers * each); string(last.Payload) != want {
		t.Errorf("the counter is at %s, want %s", last.Payload, want)
	}
	t.Logf("%d conflicts", conflicts.Load())
}

// loginsAgainstRevocations has logins of requests that arrived before a
// revocation race with it. When all have returned, none of them is there.
func loginsAgainstRevocations(t *testing.T, db Database) {
	st := open(t, db, sqlstore.Options{Timeout: time.Minute})
	const rounds, racers = 60, 16
	passed, refused := 0, 0
	for round := range rounds {
		subject := fmt.Sprintf("racer %d", round)
		anonymous := make([]store.Record, racers)
		for i := range anonymous {
			if i%2 == 0 {
				anonymous[i] = mustCreate(t, st, newRecord(""))
			}
		}
		since := time.Now()
		errs := make([]error, racers)
		begin := make(chan struct{})
		var all sync.WaitGroup
		for i := range racers {
			all.Go(func() {
				<-begin
				time.Sleep(time.Duration(i*round%40) * 50 * time.Microsecond)
				rec := newRecord(subject)
				rec.LoginSince = since
				if i%2 == 0 {
					rec.ID = anonymous[i].ID
					errs[i] = st.Update(t.Context(), anonymous[i].Rev, rec)
				} else {
					errs[i] = st.Create(t.Context(), rec)
				}
			})
		}
		ended := make(chan int, 2)
		for range 2 {
			all.Go(func() {
				<-begin
				time.Sleep(time.Duration(round%30) * 60 * time.Microsecond)
				ids, err := st.RevokeSubject(t.Context(), subject, time.Now())
				if err != nil {
					t.Error(err)
				}
				ended <- len(ids)
			})
		}
		close(begin)
		all.Wait()
		ok := 0
		for _, err := range errs {
			switch {
			case err == nil:
				ok++
			case errors.Is(err, store.ErrRevoked):
				refused++
			default:
				t.Error(err)
			}
		}
		passed += ok
		if n := <-ended + <-ended; n != ok {
			t.Errorf("%d logins passed and %d were ended", ok, n)
		}
		wantSessions(t, st, subject)
	}
	if passed == 0 || refused == 0 {
		t.Errorf("%d logins passed before the revocation and %d were refused after it: no race", passed, refused)
	}
	t.Logf("%d logins were ended, %d refused", passed, refused)
}

func deleteAgainstUpdates(t *testing.T, db Database) {
	st := open(t, db, sqlstore.Options{Timeout: time.Minute})
	for round := range 30 {
		rec := newRecord("ann")
		rec.Payload = []byte("0")
		mustCreate(t, st, rec)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				last := rec
				for range 10 {
					var err error
					if last, _, err = add(t.Context(), st, last); err != nil {
						if !errors.Is(err, store.ErrNotFound) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		start := time.Now()
		all.Go(func() {
			time.Sleep(time.Duration(round) * 200 * time.Microsecond)
			if err := st.Delete(t.Context(), rec.ID); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		wantDeleted(t, st, rec.ID, start)
	}
}
