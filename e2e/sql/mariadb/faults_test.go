package mariadb_test

import (
	"testing"

	"github.com/typedsession/typedsession/e2e/sql/suite"
)

func TestFaults(t *testing.T) {
	suite.Faults(t, "MariaDB", func(t testing.TB, addr string) suite.Database {
		return open(t, addr, "interpolateParams=true")
	})
}
