//go:build !nosql

package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	_ "modernc.org/sqlite"             // registers the driver "sqlite"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// database is a store that opened its database itself, and closes it.
type database struct {
	*sqlstore.Store
	db *sql.DB
}

func (d *database) Close() error { return errors.Join(d.Store.Close(), d.db.Close()) }

// sqliteFile is a store in a file, which also holds the key that seals the
// cookies: one file is all that a restart needs.
type sqliteFile struct{ database }

// openSQL opens a store in a SQL database, and creates the tables if there are
// none. Returns nil if the store of that kind is no
// SQL database. The source is a file, or
// what the driver of the database takes.
func openSQL(ctx context.Context, kind, source string) (store.Store, error) {
	switch kind {
	case "sqlite":
		db, err := openSQLite(source)
		if err != nil {
			return nil, err
		}
		d, err := openDatabase(ctx, db, sqlstore.SQLite, runtime.NumCPU())
		if err != nil {
			return nil, err
		}
		return &sqliteFile{*d}, nil
	case "postgres":
		if source == "" {
			return nil, errNoURL(kind, "postgres://user@localhost/shop")
		}
		db, err := sql.Open("pgx", source)
		if err != nil {
			return nil, err
		}
		return openedSQL(openDatabase(ctx, db, sqlstore.PostgreSQL, serverConnections))
	case "mysql":
		if source == "" {
			return nil, errNoURL(kind, "user@tcp(localhost)/shop")
		}
		cfg, err := mysql.ParseDSN(source)
		if err != nil {
			return nil, err
		}
		cfg.InterpolateParams = true // one round trip for a statement, not two
		db, err := sql.Open("mysql", cfg.FormatDSN())
		if err != nil {
			return nil, err
		}
		return openedSQL(openDatabase(ctx, db, sqlstore.MySQL, serverConnections))
	}
	return nil, nil
}

// serverConnections is how many connections the shop may have to a server.
const serverConnections = 16

func errNoURL(kind, example string) error {
	return errors.New("-store " + kind + " needs a database: set DATABASE_URL, or -url, to one like " + example)
}

// openSQLite opens a file that only its owner can read, since it holds a key.
// SQLite gives its other files the same rights.
func openSQLite(path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	// With FULL a logout outlives a power cut, too.
	file.RawQuery = "_pragma=busy_timeout(1000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	return sql.Open("sqlite", file.String())
}

// openDatabase returns the store in a database, which it closes if that fails.
func openDatabase(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect, connections int) (*database, error) {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // database/sql would close all but two
	st, err := sqlstore.New(db, dialect, sqlstore.Options{SweepInterval: 5 * time.Minute})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	d := &database{st, db}
	if err := st.Migrate(ctx); err != nil {
		return nil, errors.Join(oneLine(err), d.Close())
	}
	return d, nil
}

// openedSQL returns no store that holds a nil pointer.
func openedSQL(d *database, err error) (store.Store, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

// oneLine returns an error whose text has one line. pgx writes one for each
// address that it has tried.
func oneLine(err error) error {
	if text := err.Error(); strings.Contains(text, "\n") {
		return errors.New(strings.Join(strings.Fields(text), " "))
	}
	return err
}

// Key returns the key in the file, which it creates if there is none. If several
// processes do so at once, all get the same key.
func (f *sqliteFile) Key(ctx context.Context) (session.Key, error) {
	for _, statement := range []string{
		"CREATE TABLE IF NOT EXISTS shop_key (id INTEGER PRIMARY KEY CHECK (id = 1), key TEXT NOT NULL) STRICT",
		"INSERT INTO shop_key (id, key) VALUES (1, '" + session.NewKey().Encode() + "') ON CONFLICT DO NOTHING",
	} {
		if _, err := f.db.ExecContext(ctx, statement); err != nil {
			return session.Key{}, err
		}
	}
	var text string
	if err := f.db.QueryRowContext(ctx, "SELECT key FROM shop_key").Scan(&text); err != nil {
		return session.Key{}, err
	}
	return session.ParseKey(text)
}
