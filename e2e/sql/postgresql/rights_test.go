package postgresql_test

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
	addr := sqltest.Shared(t, "PostgreSQL").Addr
	admin := open(t, addr, "")
	suite.LeastRights(t, admin, func(t *testing.T, table string, rights []string) suite.Database {
		role := "role_" + store.NewID().String()
		for _, text := range []string{
			"CREATE ROLE " + role + " LOGIN",
			fmt.Sprintf(`GRANT %s ON %q, %q TO %s`, strings.Join(rights, ", "), table, table+"_control", role),
		} {
			if _, err := admin.DB.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		db, err := sql.Open("pgx", "postgres://"+role+"@"+addr+"/postgres?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { suite.Shut(db) })
		return suite.Database{Dialect: sqlstore.PostgreSQL, DB: db}
	})
}

func TestReadOnly(t *testing.T) {
	addr := sqltest.Shared(t, "PostgreSQL").Addr
	suite.ReadOnly(t, open(t, addr, ""), open(t, addr, "&default_transaction_read_only=on"), "read-only transaction")
}
