// Package miniredis_test holds store/rueidis to the Redis that applications run
// inside their own tests.
package miniredis_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
	"github.com/typedsession/typedsession/store/storetest"
)

func open(t *testing.T) *rueidis.Store {
	t.Helper()
	st, err := rueidis.Open(t.Context(), "redis://"+miniredis.RunT(t).Addr(), rueidis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func TestStore(t *testing.T) {
	st := open(t)
	storetest.Run(t, func(*testing.T) store.Store { return st })
}

func TestRevoker(t *testing.T) {
	st := open(t)
	storetest.RunRevoker(t, func(*testing.T) store.Revoker { return st.Revoker() })
}
