package postgresql_test

import (
	"testing"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/internal/sqltest"
)

func TestFaults(t *testing.T) {
	suite.Faults(t, "PostgreSQL", func(t testing.TB, addr string) suite.Database {
		return open(t, addr, "")
	})
}

func TestFailOver(t *testing.T) {
	primary := sqltest.Start(t, "PostgreSQL")
	replica := primary.StartReplica(t)
	db := open(t, primary.Addr+","+replica.Addr, "&target_session_attrs=read-write&connect_timeout=2")
	suite.FailOver(t, db, primary, replica)
}
