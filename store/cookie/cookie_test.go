package cookie_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

func newRecord() store.Record {
	return store.Record{
		ID:      store.ID{1, 2, 3},
		Rev:     4,
		Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond),
		Subject: "alice",
		Payload: []byte("payload"),
	}
}

func encode(t testing.TB, rec store.Record) string {
	t.Helper()
	text, err := cookie.New().Encode(rec)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	return text
}

func TestExpiryToTheNanosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, rec := cookie.New(), newRecord()
		text := encode(t, rec)

		time.Sleep(time.Hour - time.Nanosecond)
		if _, err := st.Decode(text); err != nil {
			t.Errorf("Decode one nanosecond before it expires: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := st.Decode(text); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Decode when it expires: error %v, want ErrNotFound", err)
		}
	})
}

// An expiry that would be cut to 48 bits would be another one.
func TestExpiryOutOfRangeIsAnError(t *testing.T) {
	st, rec := cookie.New(), newRecord()
	for _, expires := range []time.Time{{}, time.UnixMilli(-1), time.UnixMilli(1 << 48)} {
		rec.Expires = expires
		if _, err := st.Encode(rec); err == nil {
			t.Errorf("Encode of a record that expires at %v succeeded", expires)
		}
	}
}

func TestRevisionIsNotCarried(t *testing.T) {
	rec := newRecord()
	one := encode(t, rec)
	rec.Rev++
	if other := encode(t, rec); one != other {
		t.Error("records that differ in the revision have different texts")
	}
	got, err := cookie.New().Decode(one)
	if err != nil || got.Rev != 0 {
		t.Errorf("Decode: revision %v, error %v, want 0 and none", got.Rev, err)
	}
}

func TestOverhead(t *testing.T) {
	rec := newRecord()
	rec.Subject = ""
	if got, want := len(encode(t, rec)), 24+len(rec.Payload); got != want {
		t.Errorf("a payload of %d bytes makes a text of %d, want %d", len(rec.Payload), got, want)
	}
}

// A session manager calls only Encode and Decode. The other methods must not
// make a session of anything.
func TestStoreMethodsKeepNothing(t *testing.T) {
	st, rec, ctx := cookie.New(), newRecord(), t.Context()
	if err := st.Create(ctx, rec); err != nil {
		t.Errorf("Create: %v", err)
	}
	if _, err := st.Load(ctx, rec.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load: error %v, want ErrNotFound", err)
	}
	if err := st.Update(ctx, rec.Rev, rec); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Update: error %v, want ErrNotFound", err)
	}
	if err := st.Delete(ctx, rec.ID); err != nil {
		t.Errorf("Delete: %v", err)
	}
}
