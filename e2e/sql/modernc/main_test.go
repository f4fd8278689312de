package modernc_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// open opens a file with the settings that docs/SQL.md names.
func open(t testing.TB, path string) suite.Database {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return suite.Database{Dialect: sqlstore.SQLite, DB: db}
}

func TestStore(t *testing.T) {
	suite.Run(t, open(t, filepath.Join(t.TempDir(), "sessions.db")))
}
