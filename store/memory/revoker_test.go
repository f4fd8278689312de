package memory_test

import (
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/storetest"
)

func TestRevoker(t *testing.T) {
	storetest.RunRevoker(t, func(*testing.T) session.Revoker { return new(memory.Revoker) })
}
