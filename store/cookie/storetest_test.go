package cookie_test

import (
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return cookie.New() })
}
