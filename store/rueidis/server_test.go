package rueidis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestKeysExpire makes sure that the server does not keep what has expired,
// and keeps nothing for ever.
func TestKeysExpire(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		key := "session:" + rec.ID.String()
		ttl := func(what string, want time.Duration) {
			t.Helper()
			left, err := time.ParseDuration(s.MustDo("PTTL", key) + "ms")
			if err != nil {
				t.Fatal(err)
			}
			if left > want || left < want-10*time.Second {
				t.Errorf("after %s the key lives for %v, want about %v", what, left, want)
			}
		}
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		ttl("Create", time.Minute)
		later := next(rec)
		later.Expires = rec.Expires.Add(time.Hour)
		if err := st.Update(t.Context(), rec.Rev, later); err != nil {
			t.Fatal(err)
		}
		ttl("Update", time.Hour+time.Minute)
		if err := st.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		ttl("Delete", 15*time.Minute)
	})
}

// TestEarlierRevisions makes sure that a record which is written now and then
// stays small, and one that is written all the time too.
func TestEarlierRevisions(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		key := "session:" + rec.ID.String()
		update := func() {
			t.Helper()
			later := next(rec)
			if err := st.Update(t.Context(), rec.Rev, later); err != nil {
				t.Fatal(err)
			}
			rec = later
		}
		wantCount := func(what, want string) {
			t.Helper()
			if n := s.MustDo("GETRANGE", key, "25", "25"); n != want {
				t.Errorf("%s: %q earlier revisions, want %q", what, n, want)
			}
		}
		wantCount("a new record", "\x00")
		update()
		update()
		wantCount("two updates at once", "\x02")
		for range 40 {
			update()
		}
		wantCount("many updates at once", "\x20")
		s.MustDo("SETRANGE", key, "17", "\x00\x00\x00\x00\x00\x00\x00\x00") // written in 1970
		update()
		wantCount("an update after a while", "\x01")
		if got, err := st.Load(t.Context(), rec.ID); err != nil || !cmp.Equal(rec, got) {
			t.Errorf("Load: %v, %v", err, cmp.Diff(rec, got))
		}
	})
}

// TestServerClock gives a record more time on the server than it has, as a
// server does whose clock was set back: it has expired all the same.
func TestServerClock(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		rec.Expires = time.UnixMilli(time.Now().Add(200 * time.Millisecond).UnixMilli())
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		key := "session:" + rec.ID.String()
		if s.MustDo("PERSIST", key) != "1" {
			t.Fatal("the record expired too soon for the test")
		}
		before := s.MustDo("DUMP", key)
		time.Sleep(time.Until(rec.Expires))
		if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load: %v, want ErrNotFound", err)
		}
		later := next(rec)
		later.Expires = rec.Expires.Add(time.Hour)
		for _, base := range []store.Rev{rec.Rev, store.NewRev()} {
			if err := st.Update(t.Context(), base, later); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Update: %v, want ErrNotFound", err)
			}
		}
		if after := s.MustDo("DUMP", key); after != before {
			t.Errorf("the key held %q and now holds %q", before, after)
		}
	})
}

// TestFullServer fills the server to its memory limit: sessions can still be
// read and ended, and other writes say why they fail.
func TestFullServer(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		s.MustDo("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
		if _, err := st.Load(t.Context(), rec.ID); err != nil {
			t.Errorf("Load: %v", err)
		}
		err = st.Update(t.Context(), rec.Rev, next(rec))
		if err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Update: %v, want an error that says OOM", err)
		}
		for range 2 { // the second time there is only the tombstone
			if err := st.Delete(t.Context(), rec.ID); err != nil {
				t.Errorf("Delete: %v", err)
			}
		}
		if err := st.Delete(t.Context(), newRecord().ID); err != nil {
			t.Errorf("Delete of what is not there: %v", err)
		}
		if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load after Delete: %v, want ErrNotFound", err)
		}
	})
}
