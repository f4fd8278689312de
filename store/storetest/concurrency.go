package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/typedsession/typedsession/session"
)

// workers is how many goroutines use a store at once.
const workers = 8

// concurrencyCases have several goroutines use one record.
var concurrencyCases = []testCase{
	{"concurrent updates lose nothing", concurrentUpdates},
	{"concurrent creates of one ID", concurrentCreates},
	{"delete during updates", deleteDuringUpdates},
}

// parallel runs f in several goroutines, numbered from 0, and ends the case
// with an error that one of them returned.
func (t *trial) parallel(f func(n int) error) {
	t.Helper()
	errs := make(chan error)
	start := make(chan struct{})
	for n := range workers {
		go func() {
			<-start
			errs <- f(n)
		}()
	}
	close(start)
	var failed error
	for range workers {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	t.must(failed)
}

// recordEach applies to every store: no record is shared, so that all must go
// as if each goroutine were alone.
func recordEach(t *trial) {
	const rounds = 20
	t.parallel(func(int) error {
		rec := newRecord()
		ref, err := t.store.Create(t.Context(), rec)
		if err != nil {
			return broke(ruleSafe, "Create: %v", err)
		}
		for range rounds {
			next := nextWrite(rec)
			if ref, err = t.store.Update(t.Context(), ref, rec.Rev, next); err != nil {
				return broke(ruleSafe, "Update: %v", err)
			}
			got, err := t.store.Load(t.Context(), ref)
			if err != nil {
				return broke(ruleSafe, "Load: %v", err)
			}
			if diff := t.diff(next, got); diff != "" {
				return broke(ruleSafe, "Load: %s", diff)
			}
			rec = next
		}
		if err := t.store.Delete(t.Context(), ref); err != nil {
			return broke(ruleSafe, "Delete: %v", err)
		}
		return nil
	})
}

// concurrentUpdates counts in a record. In each round, every goroutine reads the
// counter before any writes it back increased, so that all but one meet a
// conflict; yet every increment must be in the sum.
func concurrentUpdates(t *trial) {
	const rounds = 20
	ref := t.create(counted(newRecord(), 0))
	for range rounds {
		var loading sync.WaitGroup
		loading.Add(workers)
		t.parallel(func(int) error {
			rec, err := t.store.Load(t.Context(), ref)
			loading.Done()
			if err != nil {
				return broke(ruleLoad, "Load during updates: %v", err)
			}
			loading.Wait()
			return increment(t.Context(), t.store, ref, rec)
		})
	}
	if got := count(t.load(ref)); got != workers*rounds {
		t.broke(ruleUpdate, "%d updates succeeded, but only %d are in the record", workers*rounds, got)
	}
}

// increment writes a record back, its counter increased. Each conflict means
// that another goroutine has written, which each does once.
func increment(ctx context.Context, st session.Store, ref string, rec session.Record) error {
	for range workers {
		if err := checkWhole(uncounted(rec)); err != nil {
			return err
		}
		_, err := st.Update(ctx, ref, rec.Rev, counted(nextWrite(rec), count(rec)+1))
		if err == nil {
			return nil
		}
		var conflict *session.ConflictError
		if !errors.As(err, &conflict) {
			return broke(ruleUpdate, "Update during updates: %v", err)
		}
		rec = conflict.Current
	}
	return broke(ruleConflict, "Update of the record that a conflict returned failed more often than the record was changed")
}

// digits is the length of the counter at the head of a payload.
const digits = 8

// counted returns a record with a counter put before its payload.
func counted(rec session.Record, n int) session.Record {
	rec.Payload = append(fmt.Appendf(nil, "%0*d", digits, n), rec.Payload...)
	return rec
}

// uncounted returns a record without its counter.
func uncounted(rec session.Record) session.Record {
	rec.Payload = rec.Payload[min(digits, len(rec.Payload)):]
	return rec
}

// count returns the counter of a record that is whole.
func count(rec session.Record) int {
	n, _ := strconv.Atoi(string(rec.Payload[:digits]))
	return n
}

// concurrentCreates has all goroutines create one ID, each with a record of its
// own.
func concurrentCreates(t *trial) {
	const rounds = 10
	for range rounds {
		var recs [workers]session.Record
		recs[0] = newRecord()
		for n := range recs[1:] {
			recs[1+n] = nextWrite(recs[0])
		}
		var won atomic.Int32
		var winner atomic.Int32
		t.parallel(func(n int) error {
			_, err := t.store.Create(t.Context(), recs[n])
			if err == nil {
				won.Add(1)
				winner.Store(int32(n))
				return nil
			}
			if !errors.Is(err, session.ErrExists) {
				return broke(ruleCreateInUse, "Create of an ID in use: %v", err)
			}
			return nil
		})
		if won.Load() != 1 {
			t.broke(ruleCreateInUse, "%d of %d concurrent Creates of one ID succeeded, want 1", won.Load(), workers)
		}
		t.wantRecord(ruleCreateInUse, recs[0].ID.String(), recs[winner.Load()])
	}
}

// deleteDuringUpdates logs out while other requests of the session are under
// way: goroutine 0 deletes the record that the others update.
func deleteDuringUpdates(t *trial) {
	const rounds = 10
	for range rounds {
		rec := newRecord()
		ref := t.create(rec)
		var deleted atomic.Bool
		updated := make(chan struct{}, 1) // an update is done
		t.parallel(func(n int) error {
			if n == 0 {
				<-updated
				if err := t.store.Delete(t.Context(), ref); err != nil {
					return broke(ruleDelete, "Delete during updates: %v", err)
				}
				deleted.Store(true)
				return nil
			}
			return updateUntilGone(t.Context(), t.store, rec, &deleted, updated)
		})
		t.wantGone(ruleDelete, ref)
	}
}

// updateUntilGone updates a record again and again until it is not found, which
// must be so once deleted is set. Of several goroutines, one finds its own
// revision each time; the others meet conflicts.
func updateUntilGone(ctx context.Context, st session.Store, rec session.Record, deleted *atomic.Bool, updated chan<- struct{}) error {
	for {
		began := deleted.Load()
		next := nextWrite(rec)
		_, err := st.Update(ctx, rec.ID.String(), rec.Rev, next)
		select {
		case updated <- struct{}{}:
		default:
		}
		switch {
		case errors.Is(err, session.ErrNotFound):
			return nil
		case err != nil && !errors.Is(err, session.ErrConflict):
			return broke(ruleDelete, "Update during Delete: %v", err)
		case began:
			return broke(ruleDelete, "Update that began after Delete had returned found the record: error %v", err)
		case err == nil:
			rec = next
		}
	}
}
