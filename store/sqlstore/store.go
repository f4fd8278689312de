package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// DB is what a [Store] uses of a [*sql.DB]. An application may wrap its own to
// trace or route statements. A wrapper must send the reads to the database that
// takes the writes: a replica that lags behind breaks the contract of
// [store.Store]. Do not pass a [*sql.Tx].
type DB interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Options are the options of [New]. The zero Options are the defaults.
type Options struct {
	// Table is the name of the table that holds the sessions, "sessions" by
	// default. A dot separates a schema from the name. The name is quoted, so
	// it may have any characters, and upper case counts. A second table has the
	// same name with "_control" appended.
	Table string

	// Timeout is how long an operation may take, repetitions included. Zero
	// means four seconds; negative is an error. The store gives up a statement
	// after half of it and repeats it on another connection.
	Timeout time.Duration

	// SweepInterval is how often the store calls [Store.DeleteExpired], give or
	// take a quarter, until [Store.Close]. Of several processes with the same
	// table one sweeps at a time. Zero means never; negative is an error.
	SweepInterval time.Duration

	// OnSweep, if not nil, is called after each DeleteExpired that
	// SweepInterval has started, with its results. Calls do not overlap.
	OnSweep func(deleted int, err error)
}

const (
	defaultTable   = "sessions"
	defaultTimeout = 4 * time.Second
)

// maxSize is the largest subject and payload together. It is far below what the
// servers' default settings let pass.
const maxSize = 1 << 20

// Store is a [store.Store] in a SQL database. Make one with [New]. Its methods
// are safe for concurrent use.
type Store struct {
	db      DB
	dialect Dialect
	syntax  syntax
	table   tableName
	timeout time.Duration
	compiler
	statements

	// writing holds the one place for a writer on SQLite, which runs one at a
	// time. Writers that wait in SQLite poll and are not served in turn.
	writing chan struct{}

	closing chan struct{}
	closed  sync.Once
	sweeps  sync.WaitGroup
}

var (
	_ store.SubjectIndex = (*Store)(nil)
	_ store.Revoker      = (*Store)(nil)
)

// New returns a Store that keeps sessions in db. It does not use db, so the
// tables need not exist yet: [Store.Migrate] creates them, and [Store.Check]
// finds out at the start what is wrong. The application closes db after the
// Store. Returns an error if db is nil, the dialect is unknown or an option is
// not valid.
func New(db DB, dialect Dialect, opts Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: no database")
	}
	if opts.Timeout < 0 || opts.SweepInterval < 0 {
		return nil, errors.New("sqlstore: Options.Timeout and Options.SweepInterval must not be negative")
	}
	c, table, err := newCompiler(dialect, cmp.Or(opts.Table, defaultTable))
	if err != nil {
		return nil, err
	}
	syntax, err := dialect.syntax()
	if err != nil {
		return nil, err
	}
	st := &Store{
		db:         prepareFor(db, dialect),
		dialect:    dialect,
		syntax:     syntax,
		table:      table,
		timeout:    cmp.Or(opts.Timeout, defaultTimeout),
		compiler:   *c,
		statements: c.statements(),
		closing:    make(chan struct{}),
	}
	if !syntax.locksRows {
		st.writing = make(chan struct{}, 1)
	}
	if opts.SweepInterval > 0 {
		st.sweeps.Add(1)
		go st.sweep(opts.SweepInterval, opts.OnSweep)
	}
	return st, nil
}

// Close ends the sweeps that [Options.SweepInterval] has started, waits for the
// one that is running, and closes prepared statements. It leaves the database
// open and returns nil. Do not use the Store afterwards.
func (st *Store) Close() error {
	st.closed.Do(func() { close(st.closing) })
	st.sweeps.Wait()
	if p, ok := st.db.(*prepared); ok {
		p.Close()
	}
	return nil
}

// exec runs a statement that writes, and returns how many rows it has changed.
func (st *Store) exec(ctx context.Context, s *statement, v *values) (int64, error) {
	return st.execText(ctx, s.text, s.values(v))
}

func (st *Store) execText(ctx context.Context, text string, args []any) (int64, error) {
	if st.writing != nil {
		select {
		case st.writing <- struct{}{}:
			defer func() { <-st.writing }()
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	result, err := st.db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a statement that reads, and calls scan for each row.
func (st *Store) query(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	rows, err := st.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer shut(rows)
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *statement) values(v *values) []any {
	args := make([]any, len(s.args))
	for i, value := range s.args {
		args[i] = value(v)
	}
	return args
}

// shut closes what is not needed any more. Its errors have been seen before.
func shut(c io.Closer) { c.Close() }

// failed adds to an error what the store was doing.
func failed(what string, err error) error { return fmt.Errorf("sqlstore: %s: %w", what, err) }
