package mariadb_test

import (
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql" // registers the driver "mysql"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/internal/sqltest"
	"github.com/typedsession/typedsession/store/sqlstore"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// open connects to a server at addr.
func open(t testing.TB, addr, options string) suite.Database {
	t.Helper()
	create, err := sql.Open("mysql", "root@tcp("+addr+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer suite.Shut(create)
	if _, err := create.ExecContext(t.Context(), "CREATE DATABASE IF NOT EXISTS shop"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", "root@tcp("+addr+")/shop?"+options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { suite.Shut(db) })
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	return suite.Database{Dialect: sqlstore.MySQL, DB: db}
}

func TestStore(t *testing.T) {
	suite.Run(t, open(t, sqltest.Shared(t, "MariaDB").Addr, "interpolateParams=true"))
}

// TestSettings runs the tests with settings of the driver and of the server that
// change what a statement locks, how it is sent, or what it answers.
func TestSettings(t *testing.T) {
	for _, options := range []string{
		"interpolateParams=false",
		"interpolateParams=true&tx_isolation='READ-COMMITTED'&readTimeout=5s&writeTimeout=5s&timeout=5s&max_statement_time=4",
		"interpolateParams=true&clientFoundRows=true&tx_isolation='SERIALIZABLE'",
	} {
		t.Run(options, func(t *testing.T) {
			suite.RunSettings(t, open(t, sqltest.Shared(t, "MariaDB").Addr, options))
		})
	}
}
