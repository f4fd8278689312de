package sessiontest

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/typedsession/typedsession/codec"
)

// RoundTrip fails t if a state is not the same after c has encoded and decoded it.
// Pass the codec that Config.Codec names, or codec.MsgPack if it names none, and
// states in which each field has a value.
//
// A type with an Equal method, such as time.Time, is compared by it. Empty and nil
// slices and maps count as equal, because not every codec tells them apart. A value
// in an unexported field counts as lost, since codecs do not keep it.
func RoundTrip[T any](t testing.TB, c codec.Codec[T], states ...T) {
	t.Helper()
	options := []cmp.Option{
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmpopts.EquateEmpty(),
		cmpopts.EquateNaNs(),
	}
	for i, state := range states {
		var decoded T
		encoded, err := c.Append(nil, &state)
		if err == nil {
			err = c.Decode(encoded, &decoded)
		}
		if err != nil {
			t.Errorf("sessiontest: state %d of %T: %v", i, state, err)
			continue
		}
		if diff := cmp.Diff(state, decoded, options...); diff != "" {
			t.Errorf("sessiontest: state %d of %T changes in its codec (-before +after):\n%s", i, state, diff)
		}
	}
}
