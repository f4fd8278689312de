package rueidis_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// open opens a store that is closed with the test.
func open(t testing.TB, url string, opts rueidis.Options) *rueidis.Store {
	t.Helper()
	st, err := rueidis.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, st) })
	return st
}

func closeStore(t testing.TB, st *rueidis.Store) {
	t.Helper()
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// newStore returns a store on a client with these settings.
func newStore(t testing.TB, settings client.ClientOption, opts rueidis.Options) *rueidis.Store {
	t.Helper()
	c, err := client.NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	st, err := rueidis.New(c, opts)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// newRecord returns a record that lives for a minute.
func newRecord() store.Record {
	return store.Record{
		ID:      store.NewID(),
		Rev:     store.NewRev(),
		Expires: time.UnixMilli(time.Now().Add(time.Minute).UnixMilli()),
		Subject: "subject",
		Payload: []byte("payload"),
	}
}

// next returns a new revision of a record.
func next(rec store.Record) store.Record {
	rec.Rev = store.NewRev()
	return rec
}

// TestRoundTrips holds every operation to one command, and the deletion of a
// session that has a subject to two.
func TestRoundTrips(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		extended, second, third, visitor := next(rec), next(rec), next(rec), newRecord()
		extended.IndexUntil = rec.Expires.Add(time.Second)
		visitor.Subject = ""
		ctx := t.Context()
		warm := newRecord() // so that the server has the scripts
		warm.Subject = ""
		if err := errors.Join(st.Create(ctx, warm), st.Update(ctx, warm.Rev, next(warm))); err != nil {
			t.Fatal(err)
		}
		steps := []struct {
			name string
			want []string // commands
			run  func() error
		}{
			{"create for no subject", []string{"EVALSHA"}, func() error { return st.Create(ctx, visitor) }},
			{"login", []string{"EVALSHA"}, func() error { return st.Create(ctx, asLogin(rec, "alice", time.Now())) }},
			{"load", []string{"GET"}, func() error { _, err := st.Load(ctx, rec.ID); return err }},
			{"update", []string{"EVALSHA"}, func() error { return st.Update(ctx, rec.Rev, second) }},
			{"update that meets a conflict", []string{"EVALSHA"}, func() error {
				if err := st.Update(ctx, rec.Rev, third); !errors.Is(err, store.ErrConflict) {
					return err
				}
				return nil
			}},
			{"extension", []string{"EVALSHA"}, func() error { return st.Update(ctx, second.Rev, extended) }},
			{"delete", []string{"EVALSHA", "ZREM"}, func() error { return st.Delete(ctx, rec.ID) }},
			{"delete for no subject", []string{"EVALSHA"}, func() error { return st.Delete(ctx, visitor.ID) }},
		}
		for _, step := range steps {
			t.Run(step.name, func(t *testing.T) {
				var names []string
				for _, command := range s.Monitor(func() {
					if err := step.run(); err != nil {
						t.Error(err)
					}
				}) {
					name, _, _ := strings.Cut(command, " ")
					names = append(names, strings.Trim(name, `"`))
				}
				if !slices.Equal(names, step.want) {
					t.Errorf("commands %q, want %q", names, step.want)
				}
			})
		}
	})
}

// TestTooLarge makes sure that what is too large is never sent.
func TestTooLarge(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		small := newRecord()
		if err := st.Create(t.Context(), small); err != nil {
			t.Fatal(err)
		}
		large := newRecord()
		large.Payload = make([]byte, 1<<20)
		commands := s.Monitor(func() {
			if err := st.Create(t.Context(), large); !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("Create: %v, want ErrTooLarge", err)
			}
			if err := st.Update(t.Context(), small.Rev, large); !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("Update: %v, want ErrTooLarge", err)
			}
		})
		if len(commands) != 0 {
			t.Errorf("commands %.100q, want none", commands)
		}
	})
}
