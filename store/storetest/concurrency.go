package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/store"
)

// workers is how many goroutines use a store at once.
const workers = 8

// concurrencyCases let several goroutines use a store.
var concurrencyCases = []testCase{
	{"goroutines with a record each", recordEach},
	{"concurrent updates lose nothing", concurrentUpdates},
	{"concurrent creates of one ID", concurrentCreates},
	{"delete during updates", deleteDuringUpdates},
}

// parallel runs f in several goroutines, numbered from 0, and ends the case
// with the first error that one of them returns.
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
		if err := <-errs; failed == nil {
			failed = err
		}
	}
	t.must(failed)
}

// recordEach shares no record, so that each goroutine must get the results that
// it would get alone.
func recordEach(t *trial) {
	const rounds = 10
	t.parallel(func(int) error {
		rec := newRecord()
		if err := t.store.Create(t.Context(), rec); err != nil {
			return broke(ruleStoreSafe, "Create: %v", err)
		}
		for range rounds {
			next := nextWrite(rec)
			if err := t.store.Update(t.Context(), rec.Rev, next); err != nil {
				return broke(ruleStoreSafe, "Update: %v", err)
			}
			got, err := t.store.Load(t.Context(), rec.ID)
			if err != nil {
				return broke(ruleStoreSafe, "Load: %v", err)
			}
			if diff := diff(next, got); diff != "" {
				return broke(ruleStoreSafe, "Load: %s", diff)
			}
			rec = next
		}
		if err := t.store.Delete(t.Context(), rec.ID); err != nil {
			return broke(ruleStoreSafe, "Delete: %v", err)
		}
		return nil
	})
}

// concurrentUpdates counts in a record. In each round, every goroutine reads the
// counter before any writes it back increased, so that all but one meet a
// conflict. Every increment must be in the sum.
func concurrentUpdates(t *trial) {
	const rounds = 10
	rec := counted(newRecord(), 0)
	t.create(rec)
	for range rounds {
		var loading sync.WaitGroup
		loading.Add(workers)
		t.parallel(func(int) error {
			rec, err := t.store.Load(t.Context(), rec.ID)
			loading.Done()
			if err != nil {
				return broke(ruleLoad, "Load during updates: %v", err)
			}
			loading.Wait()
			return increment(t.Context(), t.store, rec)
		})
	}
	if got := count(t.load(rec.ID)); got != workers*rounds {
		t.broke(ruleUpdateAtomic, "%d updates succeeded, but only %d are in the record", workers*rounds, got)
	}
}

// increment writes a record back with its counter increased. Each conflict means
// that another goroutine has written, which each does once.
func increment(ctx context.Context, st store.Store, rec store.Record) error {
	for range workers {
		if err := checkWhole(uncounted(rec)); err != nil {
			return err
		}
		err := st.Update(ctx, rec.Rev, counted(nextWrite(rec), count(rec)+1))
		if err == nil {
			return nil
		}
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			return broke(ruleUpdateConflict, "Update during updates: %v", err)
		}
		rec = conflict.Current
	}
	return broke(ruleUpdateConflict, "Update of the record that a conflict returned failed more often than the record was changed")
}

// digits is the length of the counter at the head of a payload.
const digits = 8

// counted returns a record with a counter put before its payload.
func counted(rec store.Record, n int) store.Record {
	rec.Payload = append(fmt.Appendf(nil, "%0*d", digits, n), rec.Payload...)
	return rec
}

// uncounted returns a record without its counter.
func uncounted(rec store.Record) store.Record {
	rec.Payload = rec.Payload[min(digits, len(rec.Payload)):]
	return rec
}

// count returns the counter of a record that is whole.
func count(rec store.Record) int {
	n, _ := strconv.Atoi(string(rec.Payload[:digits]))
	return n
}

// concurrentCreates lets all goroutines create one ID, each with a record of its
// own.
func concurrentCreates(t *trial) {
	const rounds = 10
	for range rounds {
		var recs [workers]store.Record
		recs[0] = newRecord()
		for n := range recs[1:] {
			recs[1+n] = nextWrite(recs[0])
		}
		var created, winner atomic.Int32
		t.parallel(func(n int) error {
			err := t.store.Create(t.Context(), recs[n])
			if err == nil {
				created.Add(1)
				winner.Store(int32(n))
				return nil
			}
			if !errors.Is(err, store.ErrExists) {
				return broke(ruleCreateExists, "Create of an ID in use: %v", err)
			}
			return nil
		})
		if created.Load() != 1 {
			t.broke(ruleCreateExists, "%d of %d concurrent Creates of one ID succeeded, want 1", created.Load(), workers)
		}
		t.wantRecord(ruleCreateExists, recs[winner.Load()])
	}
}

// deleteDuringUpdates is a logout while other requests of the session are
// running: goroutine 0 deletes the record that the others update.
func deleteDuringUpdates(t *trial) {
	const rounds = 10
	for range rounds {
		rec := newRecord()
		t.create(rec)
		var deleted atomic.Bool
		updated := make(chan struct{}, 1) // an update has returned
		t.parallel(func(n int) error {
			if n > 0 {
				return updateUntilGone(t.Context(), t.store, rec, &deleted, updated)
			}
			defer deleted.Store(true) // ends the others also if Delete fails
			<-updated
			if err := t.store.Delete(t.Context(), rec.ID); err != nil {
				return broke(ruleDelete, "Delete during updates: %v", err)
			}
			return nil
		})
		t.wantGone(ruleDelete, rec.ID)
	}
}

// updateUntilGone updates a record of a subject until it is not found, which
// must happen after deleted is set. Of several goroutines, one finds its own
// revision each time; the others meet conflicts.
func updateUntilGone(ctx context.Context, st store.Store, rec store.Record, deleted *atomic.Bool, updated chan<- struct{}) error {
	for n := 1; ; n++ {
		if n%8 == 0 {
			time.Sleep(time.Millisecond) // lets the deletion proceed on a slow machine
		}
		began := deleted.Load()
		next := nextOf(rec)
		err := st.Update(ctx, rec.Rev, next)
		select {
		case updated <- struct{}{}:
		default:
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil && !errors.Is(err, store.ErrConflict):
			return broke(ruleDelete, "Update during a deletion: %v", err)
		case began:
			return broke(ruleDelete, "Update that began after the deletion had returned found the record: error %v", err)
		case err == nil:
			rec = next
		}
	}
}
