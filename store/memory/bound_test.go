package memory_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// full returns a store at its bound and the IDs of what it holds.
func full(t *testing.T, life time.Duration) (*memory.Store, []store.ID) {
	t.Helper()
	st := &memory.Store{MaxSessions: 100}
	var ids []store.ID
	for range st.MaxSessions {
		ids = append(ids, create(t, st, newRecord(life)))
	}
	return st, ids
}

func TestFullStoreRefusesNewSessionsAndKeepsOldOnes(t *testing.T) {
	st, ids := full(t, time.Hour)
	for range 10 {
		err := st.Create(t.Context(), newRecord(time.Hour))
		if !errors.Is(err, store.ErrFull) {
			t.Fatalf("Create beyond MaxSessions: error %v, want ErrFull", err)
		}
	}
	for _, id := range ids {
		if !isLive(t, st, id) {
			t.Fatalf("session %s is gone", id)
		}
	}
}

func TestFullStoreStillUpdatesAndKnowsItsSessions(t *testing.T) {
	st := &memory.Store{MaxSessions: 1}
	rec := newRecord(time.Hour)
	create(t, st, rec)
	if err := st.Create(t.Context(), rec); err != nil {
		t.Errorf("Create repeated: %v", err)
	}
	next := rec
	next.Rev = 2
	if err := st.Create(t.Context(), next); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create of an ID in use: error %v, want ErrExists", err)
	}
	if err := st.Update(t.Context(), rec.Rev, next); err != nil {
		t.Errorf("Update: %v", err)
	}
}

func TestDeletedSessionMakesRoom(t *testing.T) {
	st, ids := full(t, time.Hour)
	for range 2 { // the second time, there is nothing to delete
		if err := st.Delete(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	create(t, st, newRecord(time.Hour))
	if err := st.Create(t.Context(), newRecord(time.Hour)); !errors.Is(err, store.ErrFull) {
		t.Errorf("Create beyond MaxSessions: error %v, want ErrFull", err)
	}
}

func TestExpiredSessionsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := full(t, time.Hour)
		time.Sleep(time.Hour - time.Millisecond)
		if err := st.Create(t.Context(), newRecord(time.Hour)); !errors.Is(err, store.ErrFull) {
			t.Errorf("Create before any expires: error %v, want ErrFull", err)
		}
		time.Sleep(time.Millisecond)
		for range st.MaxSessions {
			create(t, st, newRecord(time.Hour))
		}
		if err := st.Create(t.Context(), newRecord(time.Hour)); !errors.Is(err, store.ErrFull) {
			t.Errorf("Create when full again: error %v, want ErrFull", err)
		}
	})
}

// One expired session among few is found wherever it is, not only in the shard
// of the new one.
func TestOneExpiredSessionMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			st := &memory.Store{MaxSessions: 100}
			for range st.MaxSessions - 1 {
				create(t, st, newRecord(time.Hour))
			}
			create(t, st, newRecord(time.Second))
			time.Sleep(time.Second)
			create(t, st, newRecord(time.Hour))
		}
	})
}

// An ID whose session has expired is free, and its old session is not counted
// beside the new one. The others hide it from the look that Create takes first.
func TestExpiredIDIsCreatedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &memory.Store{MaxSessions: 1001}
		for range 1000 {
			rec := newRecord(time.Hour)
			rec.ID[0] = 0
			create(t, st, rec)
		}
		again := newRecord(time.Second)
		again.ID[0] = 0
		for range 10 {
			again.Expires = time.Now().Add(time.Second)
			if id := create(t, st, again); !isLive(t, st, id) {
				t.Fatal("not found after it was created again")
			}
			time.Sleep(time.Second)
		}
	})
}

func TestConcurrentCreatesKeepToTheBound(t *testing.T) {
	st := &memory.Store{MaxSessions: 1000}
	var created atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				err := st.Create(t.Context(), newRecord(time.Hour))
				switch {
				case err == nil:
					created.Add(1)
				case !errors.Is(err, store.ErrFull):
					t.Errorf("Create: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := created.Load(); got != int64(st.MaxSessions) {
		t.Errorf("%d sessions created, want %d", got, st.MaxSessions)
	}
}
