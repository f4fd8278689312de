package postgresql_test

import (
	"database/sql"
	"strings"
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
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	return suite.Database{Dialect: sqlstore.PostgreSQL, DB: db}
}

func TestStore(t *testing.T) {
	suite.Run(t, open(t, sqltest.Shared(t, "PostgreSQL").Addr, ""))
}

// TestIsolation runs the tests at the isolation levels that a database may be
// set to. The store does not set its own.
func TestIsolation(t *testing.T) {
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			addr := sqltest.Shared(t, "PostgreSQL").Addr
			suite.RunSettings(t, open(t, addr, "&default_transaction_isolation="+strings.ReplaceAll(level, " ", "%20")))
		})
	}
}
