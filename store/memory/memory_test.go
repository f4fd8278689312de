package memory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return memory.New() })
}

func TestZeroStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return new(memory.Store) })
}

// newRecord returns a record of 200 bytes that lives for the time given.
func newRecord(life time.Duration) session.Record {
	rec := session.Record{Rev: 1, Expires: time.Now().Add(life), Payload: make([]byte, 200)}
	rand.Read(rec.ID[:])
	return rec
}

// create stores a record, which must succeed, and returns its ref.
func create(t testing.TB, st *memory.Store, rec session.Record) string {
	t.Helper()
	ref, err := st.Create(context.Background(), rec)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return ref
}

// isLive reports whether the store finds a session.
func isLive(t testing.TB, st *memory.Store, ref string) bool {
	t.Helper()
	_, err := st.Load(context.Background(), ref)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatalf("Load: %v", err)
	}
	return err == nil
}

func TestExpiryToTheNanosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		rec := newRecord(time.Second)
		ref := create(t, st, rec)
		next := rec
		next.Rev = 2

		time.Sleep(time.Second - time.Nanosecond)
		if !isLive(t, st, ref) {
			t.Error("not found one nanosecond before it expires")
		}
		if _, err := st.Update(t.Context(), ref, rec.Rev, next); err != nil {
			t.Errorf("Update one nanosecond before it expires: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if isLive(t, st, ref) {
			t.Error("found when it expires")
		}
		if _, err := st.Update(t.Context(), ref, next.Rev, rec); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Update when it expires: error %v, want ErrNotFound", err)
		}
	})
}

// An ID is free again when its mark has gone; what matters is that it is not
// before a Create that was under way can have come to an end.
func TestDeletedIDStaysInUseForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		rec := newRecord(time.Hour)
		if err := st.Delete(t.Context(), create(t, st, rec)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Millisecond)
		if _, err := st.Create(t.Context(), rec); !errors.Is(err, session.ErrExists) {
			t.Errorf("Create just before a minute is over: error %v, want ErrExists", err)
		}
		time.Sleep(time.Millisecond)
		create(t, st, rec)
	})
}
