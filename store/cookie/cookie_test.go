package cookie_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return cookie.New() })
}

func newRecord() session.Record {
	return session.Record{
		ID:      session.ID{1, 2, 3},
		Rev:     4,
		Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond),
		Subject: "somebody",
		Payload: []byte("payload"),
	}
}

func create(t testing.TB, rec session.Record) string {
	t.Helper()
	ref, err := cookie.New().Create(t.Context(), rec)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	return ref
}

func TestExpiryToTheNanosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, rec := cookie.New(), newRecord()
		ref := create(t, rec)

		time.Sleep(time.Hour - time.Nanosecond)
		if _, err := st.Load(t.Context(), ref); err != nil {
			t.Errorf("Load one nanosecond before it expires: %v", err)
		}
		if _, err := st.Update(t.Context(), ref, 0, rec); err != nil {
			t.Errorf("Update one nanosecond before it expires: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := st.Load(t.Context(), ref); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Load when it expires: error %v, want ErrNotFound", err)
		}
		if _, err := st.Update(t.Context(), ref, 0, rec); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Update when it expires: error %v, want ErrNotFound", err)
		}
	})
}

// An expiry that would be cut to 48 bits would be another one.
func TestExpiryOutOfRangeIsAnError(t *testing.T) {
	st, rec := cookie.New(), newRecord()
	ref := create(t, rec)
	for _, expires := range []time.Time{{}, time.UnixMilli(-1), time.UnixMilli(1 << 48)} {
		rec.Expires = expires
		if _, err := st.Create(t.Context(), rec); err == nil {
			t.Errorf("Create of a record that expires at %v succeeded", expires)
		}
		if _, err := st.Update(t.Context(), ref, 0, rec); err == nil {
			t.Errorf("Update to a record that expires at %v succeeded", expires)
		}
	}
}

func TestRevisionIsNotCarried(t *testing.T) {
	rec := newRecord()
	one := create(t, rec)
	rec.Rev++
	if other := create(t, rec); one != other {
		t.Error("records that differ in the revision have different refs")
	}
	got, err := cookie.New().Load(t.Context(), one)
	if err != nil || got.Rev != 0 {
		t.Errorf("Load: revision %v, error %v, want 0 and none", got.Rev, err)
	}
}

func TestOverhead(t *testing.T) {
	rec := newRecord()
	rec.Subject = ""
	if got, want := len(create(t, rec)), 24+len(rec.Payload); got != want {
		t.Errorf("a payload of %d bytes makes a ref of %d, want %d", len(rec.Payload), got, want)
	}
}
