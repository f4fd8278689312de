package postgresql_test

import (
	"testing"

	"github.com/typedsession/typedsession/e2e/sql/suite"
	"github.com/typedsession/typedsession/internal/sqltest"
)

func BenchmarkStore(b *testing.B) { suite.Bench(b, open(b, sqltest.Shared(b, "PostgreSQL").Addr, "")) }
