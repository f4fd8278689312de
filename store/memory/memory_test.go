package memory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// newRecord returns a record of 200 bytes that lives for the time given.
func newRecord(life time.Duration) store.Record {
	rec := store.Record{Rev: 1, Expires: time.Now().Add(life), Payload: make([]byte, 200)}
	rand.Read(rec.ID[:])
	return rec
}

// create stores a record, which must succeed, and returns its ID.
func create(t testing.TB, st *memory.Store, rec store.Record) store.ID {
	t.Helper()
	if err := st.Create(context.Background(), rec); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return rec.ID
}

// isLive reports whether the store finds a store.
func isLive(t testing.TB, st *memory.Store, id store.ID) bool {
	t.Helper()
	_, err := st.Load(context.Background(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Load: %v", err)
	}
	return err == nil
}

func TestExpiryToTheNanosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		rec := newRecord(time.Second)
		id := create(t, st, rec)
		next := rec
		next.Rev = 2

		time.Sleep(time.Second - time.Nanosecond)
		if !isLive(t, st, id) {
			t.Error("not found one nanosecond before it expires")
		}
		if err := st.Update(t.Context(), rec.Rev, next); err != nil {
			t.Errorf("Update one nanosecond before it expires: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if isLive(t, st, id) {
			t.Error("found when it expires")
		}
		if err := st.Update(t.Context(), next.Rev, rec); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Update when it expires: error %v, want ErrNotFound", err)
		}
	})
}

func TestTombstoneLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		rec := newRecord(time.Hour)
		if err := st.Delete(t.Context(), create(t, st, rec)); err != nil {
			t.Fatal(err)
		}
		deletedAt := time.Now()
		time.Sleep(store.TombstoneLife - time.Millisecond)
		_, err := st.Load(t.Context(), rec.ID)
		var gone *store.DeletedError
		if !errors.As(err, &gone) || !gone.At.Equal(deletedAt) {
			t.Errorf("Load: error %#v, want a DeletedError with At %v", err, deletedAt)
		}
		if err := st.Create(t.Context(), rec); !errors.Is(err, store.ErrExists) {
			t.Errorf("Create a millisecond before the tombstone expires: error %v, want ErrExists", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) || errors.As(err, &gone) {
			t.Errorf("Load when the tombstone expires: error %#v, want ErrNotFound", err)
		}
		create(t, st, rec)
	})
}

// Without a revision, an entry would be taken for a tombstone.
func TestRecordWithoutRevisionIsRefused(t *testing.T) {
	st := memory.New()
	rec := newRecord(time.Hour)
	create(t, st, rec)
	without := rec
	without.Rev = 0
	if err := st.Update(t.Context(), rec.Rev, without); err == nil {
		t.Error("Update of a record without a revision succeeded")
	}
	without.ID = store.NewID()
	if err := st.Create(t.Context(), without); err == nil {
		t.Error("Create of a record without a revision succeeded")
	}
	if !isLive(t, st, rec.ID) || st.Entries() != 1 {
		t.Errorf("%d entries, want the one that was there", st.Entries())
	}
}
