package rueidis_test

import (
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }
