package memory_test

import (
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return memory.New() })
}

func TestZeroStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return new(memory.Store) })
}

func TestRevoker(t *testing.T) {
	storetest.RunRevoker(t, func(*testing.T) store.Revoker { return new(memory.Revoker) })
}
