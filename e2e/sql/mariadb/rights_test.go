package mariadb_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/internal/sqltest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

func TestLeastRights(t *testing.T) {
	addr := sqltest.Shared(t, "MariaDB").Addr
	admin := open(t, addr, "")
	suite.LeastRights(t, admin, func(t *testing.T, table string, rights []string) suite.Database {
		user := "user_" + store.NewID().String()[:16]
		statements := []string{"CREATE USER '" + user + "'@'%'"}
		for _, name := range []string{table, table + "_control"} {
			statements = append(statements, fmt.Sprintf("GRANT %s ON shop.%s TO '%s'@'%%'", strings.Join(rights, ", "), name, user))
		}
		for _, text := range statements {
			if _, err := admin.DB.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		db, err := sql.Open("mysql", user+"@tcp("+addr+")/shop?interpolateParams=true")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { suite.Shut(db) })
		return suite.Database{Dialect: sqlstore.MySQL, DB: db}
	})
}

func TestReadOnly(t *testing.T) {
	addr := sqltest.Shared(t, "MariaDB").Addr
	suite.ReadOnly(t, open(t, addr, ""), open(t, addr, "tx_read_only=1"), "READ ONLY transaction")
}
