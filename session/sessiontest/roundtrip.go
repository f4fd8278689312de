package sessiontest

import (
	"testing"

	"github.com/typedsession/typedsession/codec"
)

// RoundTrip fails t if a state is not the same after c has encoded and decoded it,
// as far as [codec.RoundTrip] tells. Pass the codec that Config.Codec names, or
// codec.MsgPack if it names none, and states as the application makes them.
func RoundTrip[T any](t testing.TB, c codec.Codec[T], states ...T) {
	t.Helper()
	for i, state := range states {
		if err := codec.RoundTrip(c, state); err != nil {
			t.Errorf("sessiontest: state %d: %v", i, err)
		}
	}
}
