package suite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// counting is a DB that counts statements.
type counting struct {
	db            sqlstore.DB
	reads, writes atomic.Int64
}

func (c *counting) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.writes.Add(1)
	return c.db.ExecContext(ctx, query, args...)
}

func (c *counting) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.reads.Add(1)
	return c.db.QueryContext(ctx, query, args...)
}

func (c *counting) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	c.reads.Add(1)
	return c.db.QueryRowContext(ctx, query, args...)
}

// statements holds how many statements each operation takes.
func statements(t *testing.T, db Database) {
	table := newTable()
	openTable(t, db, table)
	count := &counting{db: db.DB}
	st, err := sqlstore.New(count, db.Dialect, sqlstore.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	// The first login of a subject in 256 creates the row that serves as its gate.
	mustCreate(t, st, login(newRecord("ann")))

	rec, in := newRecord(""), newRecord("ann")
	for _, operation := range []struct {
		name          string
		reads, writes int64
		do            func() error
	}{
		{"Create", 0, 1, func() error { return st.Create(ctx, rec) }},
		{"Create again", 1, 1, func() error { return st.Create(ctx, rec) }},
		{"Load", 1, 0, func() error { _, err := st.Load(ctx, rec.ID); return err }},
		{"a login by Update", 0, 1, func() error {
			changed := login(next(rec, "in"))
			changed.Subject = "ann"
			err := st.Update(ctx, rec.Rev, changed)
			rec = changed
			return err
		}},
		{"a login by Create", 0, 1, func() error { return st.Create(ctx, login(in)) }},
		{"Update", 0, 1, func() error {
			changed := next(rec, "changed")
			err := st.Update(ctx, rec.Rev, changed)
			rec = changed
			return err
		}},
		{"an Update that meets a conflict", 1, 1, func() error {
			err := st.Update(ctx, store.NewRev(), next(rec, "conflict"))
			if errors.Is(err, store.ErrConflict) {
				return nil
			}
			return err
		}},
		{"ListSessions", 1, 0, func() error { _, err := st.ListSessions(ctx, "ann"); return err }},
		{"RevokeSubject", 1, 2, func() error { _, err := st.RevokeSubject(ctx, "ann", time.Now(), rec.ID); return err }},
		{"Delete", 0, 1, func() error { return st.Delete(ctx, rec.ID) }},
		{"Revoke", 0, 1, func() error { return st.Revoke(ctx, "key", time.Now(), time.Now().Add(time.Hour)) }},
		{"RevokedBefore", 1, 0, func() error { _, err := st.RevokedBefore(ctx, "key", "other"); return err }},
	} {
		count.reads.Store(0)
		count.writes.Store(0)
		if err := operation.do(); err != nil {
			t.Errorf("%s: %v", operation.name, err)
		}
		if r, w := count.reads.Load(), count.writes.Load(); r != operation.reads || w != operation.writes {
			t.Errorf("%s took %d reads and %d writes, want %d and %d", operation.name, r, w, operation.reads, operation.writes)
		}
	}
}
