// Package suite tests store/sqlstore on a database. The packages beside it
// open one by a driver each and run it.
package suite

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
	"github.com/typedsession/typedsession/store/storetest"
)

// Database is a database that tests share, and how to reach it.
type Database struct {
	Dialect sqlstore.Dialect
	DB      *sql.DB
}

// Shut closes what is not needed any more.
func Shut(c io.Closer) { c.Close() }

type group struct {
	name string
	test func(*testing.T, Database)
}

// Run runs the tests that hold on every database.
func Run(t *testing.T, db Database) {
	run(t, db, append([]group{
		{"subjects", subjects},
		{"revoker", revoker},
		{"statements", statements},
		{"schema", schema},
	}, settings...))
}

// RunSettings runs those of the tests that settings of a driver or a server may
// break.
func RunSettings(t *testing.T, db Database) { run(t, db, settings) }

var settings = []group{
	{"contract", contract},
	{"storetest", kit},
	{"sweep", sweep},
	{"races", races},
}

// kit runs the conformance kit, with one table for all of its cases.
func kit(t *testing.T, db Database) {
	st := open(t, db, sqlstore.Options{})
	storetest.Run(t, func(*testing.T) store.Store { return st })
	storetest.RunRevoker(t, func(*testing.T) store.Revoker { return st })
}

func run(t *testing.T, db Database, groups []group) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) { g.test(t, db) })
	}
}

// open returns a store with a table of its own, which is dropped after the test.
func open(t testing.TB, db Database, opts sqlstore.Options) *sqlstore.Store {
	t.Helper()
	if opts.Table == "" {
		opts.Table = newTable()
	}
	st, err := sqlstore.New(db.DB, db.Dialect, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Shut(st) })
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, db, opts.Table) })
	return st
}

// newTable returns the name of a table that does not exist.
func newTable() string { return "t" + store.NewID().String()[:12] }

// quote quotes a name without a schema.
func quote(d sqlstore.Dialect, name string) string {
	mark := `"`
	if d == sqlstore.MySQL {
		mark = "`"
	}
	return mark + strings.ReplaceAll(name, mark, mark+mark) + mark
}

func drop(t testing.TB, db Database, table string) {
	for _, name := range []string{table, table + "_control"} {
		execute(t, db, "DROP TABLE "+quote(db.Dialect, name))
	}
}

// execute runs a statement of the test itself. It repeats it while the database is
// busy.
func execute(t testing.TB, db Database, text string) {
	t.Helper()
	var err error
	for range 50 {
		if _, err = db.DB.ExecContext(context.Background(), text); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s: %v", text, err)
}

// number returns the number that a query answers with.
func number(t testing.TB, db Database, text string) int64 {
	t.Helper()
	var n int64
	if err := db.DB.QueryRowContext(t.Context(), text).Scan(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// newRecord returns a record of a new session.
func newRecord(subject string) store.Record {
	id := store.NewID()
	return store.Record{
		ID:      id,
		Rev:     store.NewRev(),
		Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond),
		Subject: subject,
		Payload: fmt.Appendf(nil, "payload of %v", id),
	}
}

// login returns the record as a login of a request that has just arrived.
func login(rec store.Record) store.Record {
	rec.LoginSince = time.Now().Truncate(time.Millisecond)
	return rec
}

// next returns the record as another write would replace it.
func next(rec store.Record, payload string) store.Record {
	rec.Rev = store.NewRev()
	rec.Payload = []byte(payload)
	rec.LoginSince = time.Time{}
	return rec
}
