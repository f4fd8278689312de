package postgresql_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/internal/sqltest"
	"github.com/typedsession/typedsession/store/sqlstore"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// source returns the data source name of a server at addr.
func source(addr, options string) string {
	return "postgres://root@" + addr + "/postgres?sslmode=disable" + options
}

// open connects to a server at addr.
func open(t testing.TB, addr, options string) suite.Database {
	t.Helper()
	db, err := sql.Open("pgx", source(addr, options))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { suite.Shut(db) })
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	return suite.Database{Dialect: sqlstore.PostgreSQL, DB: db}
}

func TestStore(t *testing.T) {
	suite.Run(t, open(t, sqltest.Shared(t, "PostgreSQL").Addr, ""))
}

// TestSettings runs the tests with settings of the driver and of the server that
// change what a statement sees, or how it is sent. A PgBouncer that knows no
// prepared statements needs one of the last two.
func TestSettings(t *testing.T) {
	for _, options := range []string{
		"default_transaction_isolation=repeatable%20read",
		"default_transaction_isolation=serializable",
		"default_query_exec_mode=exec&statement_timeout=4000&lock_timeout=4000&tcp_user_timeout=4000",
		"default_query_exec_mode=simple_protocol&synchronous_commit=off",
	} {
		t.Run(options, func(t *testing.T) {
			suite.RunSettings(t, open(t, sqltest.Shared(t, "PostgreSQL").Addr, "&"+options))
		})
	}
}
