package storetest_test

import (
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/storetest"
)

func ExampleRun() {
	// In a test file of the store's package:
	TestStore := func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Store { return memory.New() })
	}

	_ = TestStore
	// Output:
}
