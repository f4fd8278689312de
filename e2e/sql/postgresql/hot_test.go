package postgresql_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/sqltest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// TestHOT holds that updates which extend sessions change no index: 16 writers
// make 25,600 updates of 6,400 sessions, each six minutes later than the one before,
// as an idle timeout of an hour has them, while expired sessions are swept.
func TestHOT(t *testing.T) {
	// In a database of its own, since a statement of another test that runs for
	// long, such as an ANALYZE, keeps old rows from being reused in the same one.
	addr := sqltest.Shared(t, "PostgreSQL").Addr
	if _, err := open(t, addr, "").DB.ExecContext(t.Context(), "CREATE DATABASE hot"); err != nil {
		t.Fatal(err)
	}
	db := open(t, addr, "&database=hot")
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: "hot", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DB.ExecContext(t.Context(), "ALTER TABLE hot SET (autovacuum_enabled = off)"); err != nil {
		t.Fatal(err)
	}
	const writers, sessions, updates = 16, 400, 4
	begin := time.Now().Truncate(time.Hour).Add(2 * time.Hour)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			ctx := context.WithoutCancel(t.Context())
			recs := make([]store.Record, sessions)
			for i := range recs {
				recs[i] = store.Record{
					ID: store.NewID(), Rev: store.NewRev(), Subject: "ann",
					Expires: begin.Add(time.Duration(i) * time.Minute), // spread over a bucket
					Payload: make([]byte, 300),
				}
				if err := st.Create(ctx, recs[i]); err != nil {
					t.Error(err)
				}
				if i%8 != 0 {
					continue
				}
				old := store.Record{ID: store.NewID(), Rev: store.NewRev(), Expires: time.Now().Add(-5 * time.Hour)}
				if err := st.Create(ctx, old); err != nil {
					t.Error(err)
				}
			}
			for range updates {
				// In no order, as visitors come: rows of a page were created together.
				for _, i := range rand.Perm(sessions) {
					rec := recs[i]
					base := rec.Rev
					rec.Rev = store.NewRev()
					rec.Expires = rec.Expires.Add(6 * time.Minute)
					if err := st.Update(ctx, base, rec); err != nil {
						t.Error(err)
					}
					recs[i] = rec
				}
			}
		})
	}
	done := make(chan struct{})
	var sweeper sync.WaitGroup
	sweeper.Go(func() {
		for {
			if _, err := st.DeleteExpired(t.Context()); err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	all.Wait()
	close(done)
	sweeper.Wait()
	var total, hot int64
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		// A connection reports what it has done within a second.
		err := db.DB.QueryRowContext(t.Context(), "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'hot'").Scan(&total, &hot)
		if err != nil {
			t.Fatal(err)
		}
		if total >= writers*sessions*updates {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d updates reported, want %d", total, writers*sessions*updates)
		}
	}
	share := float64(hot) / float64(total)
	t.Logf("%d of %d updates were HOT: %.1f %%", hot, total, 100*share)
	if share < 0.95 {
		t.Error("want at least 95 %")
	}
}
