package modernc_test

import (
	"path/filepath"
	"testing"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/store/sqlstore"
)

func BenchmarkStore(b *testing.B) {
	db, err := open(filepath.Join(b.TempDir(), "sessions.db"), "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { suite.Shut(db) })
	suite.Bench(b, suite.Database{Dialect: sqlstore.SQLite, DB: db})
}
