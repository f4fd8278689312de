package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/postgresstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	_ "github.com/go-sql-driver/mysql" // registers the driver "mysql"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	_ "github.com/lib/pq"              // registers the driver "postgres"
	_ "modernc.org/sqlite"             // registers the driver "sqlite"

	"github.com/typedsession/typedsession/store/sqlstore"
)

// SQLConnections is how many connections each site may have, and keeps.
const SQLConnections = 24

// SQLContenders returns what is compared on SQL databases, as [Contenders] does.
func SQLContenders() []Contender {
	return []Contender{
		oursSQL(PostgreSQL, "by pgx/v5/stdlib", sqlstore.PostgreSQL, "pgx"),
		scsSQL(PostgreSQL, "scs, pgxstore", "by pgxpool", "pgx", postgresTable,
			func(env Env, _ *sql.DB) (scs.Store, func(), error) {
				pool, err := pgxpool.New(context.Background(),
					env.source(PostgreSQL)+fmt.Sprintf("&pool_max_conns=%d", SQLConnections))
				if err != nil {
					return nil, nil, err
				}
				return pgxstore.NewWithCleanupInterval(pool, 0), pool.Close, nil
			}),
		scsSQL(PostgreSQL, "scs, postgresstore", "by lib/pq", "postgres", postgresTable,
			func(_ Env, db *sql.DB) (scs.Store, func(), error) {
				return postgresstore.NewWithCleanupInterval(db, 0), nil, nil
			}),

		oursSQL(MariaDB, "by go-sql-driver/mysql", sqlstore.MySQL, "mysql"),
		scsSQL(MariaDB, "scs, mysqlstore", "by go-sql-driver/mysql", "mysql", mysqlTable,
			func(_ Env, db *sql.DB) (scs.Store, func(), error) {
				return mysqlstore.NewWithCleanupInterval(db, 0), nil, nil
			}),

		oursSQL(SQLite, "by modernc.org/sqlite", sqlstore.SQLite, "sqlite"),
		scsSQL(SQLite, "scs, sqlite3store", "by modernc.org/sqlite", "sqlite", sqliteTable,
			func(_ Env, db *sql.DB) (scs.Store, func(), error) {
				return sqlite3store.NewWithCleanupInterval(db, 0), nil, nil
			}),
	}
}

// The tables as the documentation of each store of scs has them.
const (
	postgresTable = "CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL); " +
		"CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions (expiry)"
	mysqlTable = "CREATE TABLE IF NOT EXISTS sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL, " +
		"KEY sessions_expiry_idx (expiry))"
	sqliteTable = "CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL); " +
		"CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions(expiry)"
)

// source returns the data source name of a server.
func (e Env) source(store Store) string {
	switch store {
	case PostgreSQL:
		return "postgres://root@" + e.PostgresAddr + "/postgres?sslmode=disable"
	case MariaDB:
		return "root@tcp(" + e.MariaDBAddr + ")/bench?interpolateParams=true"
	}
	return ""
}

// openSQL opens a database, which a file of its own is on SQLite. The settings
// are the same for all contenders.
func openSQL(env Env, store Store, driver string) (*sql.DB, func(), error) {
	source, remove := env.source(store), func() {}
	if store == SQLite {
		dir, err := os.MkdirTemp("", "bench-sqlite-")
		if err != nil {
			return nil, nil, err
		}
		remove = func() { _ = os.RemoveAll(dir) }
		source = "file:" + filepath.Join(dir, "sessions.db") +
			"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	}
	if source == "" {
		return nil, nil, errors.New("no server")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		remove()
		return nil, nil, err
	}
	db.SetMaxOpenConns(SQLConnections)
	db.SetMaxIdleConns(SQLConnections)
	return db, func() { _ = db.Close(); remove() }, nil
}

func oursSQL(store Store, note string, dialect sqlstore.Dialect, driver string) Contender {
	return Contender{
		Name: "typedsession", Store: store, Role: Ours, Note: note,
		Open: func(env Env) (*Site, error) {
			db, closeDB, err := openSQL(env, store, driver)
			if err != nil {
				return nil, err
			}
			st, err := sqlstore.New(db, dialect, sqlstore.Options{Table: "typedsession"})
			if err == nil {
				err = st.Migrate(context.Background())
			}
			if err != nil {
				closeDB()
				return nil, err
			}
			site, err := open[State](st, env, noSubjects)
			if err != nil {
				closeDB()
				return nil, err
			}
			site.closers = append(site.closers, func() { _ = st.Close(); closeDB() })
			return site, nil
		},
	}
}

// scsSQL is scs with one of its stores. The store may have a pool of its own,
// which close closes.
func scsSQL(store Store, name, note, driver, table string,
	newStore func(Env, *sql.DB) (st scs.Store, closePool func(), err error),
) Contender {
	return Contender{
		Name: name, Store: store, Role: Peer, Note: note,
		Open: func(env Env) (*Site, error) {
			db, closeDB, err := openSQL(env, store, driver)
			if err != nil {
				return nil, err
			}
			if _, err := db.ExecContext(context.Background(), table); err != nil {
				closeDB()
				return nil, err
			}
			st, closePool, err := newStore(env, db)
			if err != nil {
				closeDB()
				return nil, err
			}
			site := openSCS(st, gobValues{}, env)
			if closePool != nil {
				site.closers = append(site.closers, closePool)
			}
			site.closers = append(site.closers, closeDB)
			return site, nil
		},
	}
}
