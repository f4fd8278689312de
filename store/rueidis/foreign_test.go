package rueidis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestForeignData puts what is no session under a session's key. It must look
// like no session, and stay as it is.
func TestForeignData(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		for _, delay := range []time.Duration{0, time.Second} {
			st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: delay})
			tests := []struct {
				name string
				set  []string // the command around the key
			}{
				{"text", []string{"SET", "", "another program's value, longer than the header of a session's record"}},
				{"a short text", []string{"SET", "", "x"}},
				{"an unknown kind of record", []string{"SET", "", "\xc2" + strings.Repeat("\x00", 100)}},
				{"a list", []string{"RPUSH", "", "element"}},
				{"a hash", []string{"HSET", "", "field", "value"}},
			}
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					rec := newRecord()
					key := "session:" + rec.ID.String()
					test.set[1] = key
					s.MustDo(test.set...)
					before := s.MustDo("DUMP", key)

					_, err := st.Load(t.Context(), rec.ID)
					wantForeign(t, "Load", err, key)
					err = st.Update(t.Context(), rec.Rev, next(rec))
					wantForeign(t, "Update", err, key)
					if err := st.Create(t.Context(), rec); !errors.Is(err, store.ErrExists) {
						t.Errorf("Create: %v, want ErrExists", err)
					}
					if err := st.Delete(t.Context(), rec.ID); err != nil {
						t.Errorf("Delete: %v", err)
					}
					if after := s.MustDo("DUMP", key); after != before {
						t.Errorf("the key held %q and now holds %q", before, after)
					}
				})
			}
		}
	})
}

// TestDamagedRecord cuts a record short: it is as good as none, and unlike
// foreign data it can be deleted.
func TestDamagedRecord(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		for _, test := range []struct {
			name string
			last string // byte that is left
		}{
			{"in its head", "20"},
			{"in its earlier revisions", "29"},
		} {
			t.Run(test.name, func(t *testing.T) {
				first := newRecord()
				err := st.Create(t.Context(), first)
				if err != nil {
					t.Fatal(err)
				}
				rec := next(first)
				if err := st.Update(t.Context(), first.Rev, rec); err != nil {
					t.Fatal(err)
				}
				key := "session:" + rec.ID.String()
				s.MustDo("SET", key, s.MustDo("GETRANGE", key, "0", test.last))

				_, err = st.Load(t.Context(), rec.ID)
				wantForeign(t, "Load", err, key)
				for _, base := range []store.Rev{rec.Rev, store.NewRev()} {
					err = st.Update(t.Context(), base, next(rec))
					wantForeign(t, "Update", err, key)
				}
				if err := st.Delete(t.Context(), rec.ID); err != nil {
					t.Errorf("Delete: %v", err)
				}
				if n := s.MustDo("STRLEN", key); n != "9" {
					t.Errorf("after Delete the key holds %s bytes, want a tombstone of 9", n)
				}
			})
		}
	})
}

func wantForeign(t *testing.T, what string, err error, key string) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), key) {
		t.Errorf("%s: error %v, want an ErrNotFound that names the key", what, err)
	}
}
