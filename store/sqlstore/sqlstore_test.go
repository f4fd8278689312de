package sqlstore_test

import (
	"context"
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/store/sqlstore"
)

// The tests with real databases are in e2e/sql, a module of its own, so that the
// drivers are not dependencies of this one.

var update = flag.Bool("update", false, "write the schemas in testdata")

// noDB is a DB that no test uses.
type noDB struct{}

func (noDB) ExecContext(context.Context, string, ...any) (sql.Result, error) { panic("used") }
func (noDB) QueryContext(context.Context, string, ...any) (*sql.Rows, error) { panic("used") }
func (noDB) QueryRowContext(context.Context, string, ...any) *sql.Row        { panic("used") }

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		db      sqlstore.DB
		dialect sqlstore.Dialect
		opts    sqlstore.Options
		want    string
	}{
		{"no database", nil, sqlstore.SQLite, sqlstore.Options{}, "no database"},
		{"no dialect", noDB{}, 0, sqlstore.Options{}, "unknown dialect Dialect(0)"},
		{"an unknown dialect", noDB{}, 4, sqlstore.Options{}, "unknown dialect Dialect(4)"},
		{"a negative timeout", noDB{}, sqlstore.SQLite, sqlstore.Options{Timeout: -1}, "Options.Timeout"},
		{"a negative interval", noDB{}, sqlstore.SQLite, sqlstore.Options{SweepInterval: -1}, "Options.SweepInterval"},
		{"a schema without a table", noDB{}, sqlstore.SQLite, sqlstore.Options{Table: "app."}, "lacks a name"},
		{"a table without a schema", noDB{}, sqlstore.SQLite, sqlstore.Options{Table: ".sessions"}, "lacks a name"},
		{"a name that PostgreSQL would cut", noDB{}, sqlstore.PostgreSQL, sqlstore.Options{Table: strings.Repeat("x", 51)}, "51 bytes"},
		{"a name with a zero byte", noDB{}, sqlstore.SQLite, sqlstore.Options{Table: "a\x00b"}, "not a table name"},
		{"a name that is not UTF-8", noDB{}, sqlstore.SQLite, sqlstore.Options{Table: "a\xff"}, "not a table name"},
		{"a name that ends with a space", noDB{}, sqlstore.MySQL, sqlstore.Options{Table: "a "}, "not a table name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := sqlstore.New(c.db, c.dialect, c.opts)
			if err == nil || st != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestSchema compares the schemas with files, since a changed schema needs a new
// version and a migration from the one before.
func TestSchema(t *testing.T) {
	for dialect, table := range map[sqlstore.Dialect]string{
		sqlstore.SQLite:     "",
		sqlstore.PostgreSQL: `app.my "sessions"`,
		sqlstore.MySQL:      "my`sessions",
	} {
		t.Run(dialect.String(), func(t *testing.T) {
			got, err := sqlstore.Schema(dialect, table)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", strings.ToLower(dialect.String())+".sql")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("schema (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := sqlstore.Schema(9, ""); err == nil {
		t.Error("a schema of an unknown dialect")
	}
}

func TestCloseEndsSweeps(t *testing.T) {
	st, err := sqlstore.New(noDB{}, sqlstore.SQLite, sqlstore.Options{SweepInterval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
