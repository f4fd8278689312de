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
func open(path, options string) (*sql.DB, error) {
	const settings = "?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	db, err := sql.Open("sqlite", "file:"+path+settings+options)
	if err == nil {
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
	}
	return db, err
}

func TestMain(m *testing.M) { suite.SQLiteMain(m, open) }

func TestStore(t *testing.T) {
	db, err := open(filepath.Join(t.TempDir(), "sessions.db"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer suite.Shut(db)
	suite.Run(t, suite.Database{Dialect: sqlstore.SQLite, DB: db})
}

func TestFile(t *testing.T) { suite.RunSQLite(t, open) }
