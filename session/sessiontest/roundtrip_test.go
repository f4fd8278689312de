package sessiontest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session/sessiontest"
)

// order is a state whose parts survive, or not.
type order struct {
	ID      int
	Placed  time.Time
	Amounts map[string]float64
	Skipped string `json:"-"`
	Any     any
	hidden  string
}

func TestRoundTrip(t *testing.T) {
	placed := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	tests := []struct {
		name  string
		codec codec.Codec[order]
		state order
		want  string // in the failure; "" means none
	}{
		{"the zero state", codec.MsgPack[order](), order{}, ""},
		{"a full state", codec.MsgPack[order](), order{ID: 1, Placed: placed, Amounts: map[string]float64{"tea": 2.5}}, ""},
		{"a time of another zone is the same time", codec.JSON[order](), order{Placed: placed.In(time.FixedZone("", 3600))}, ""},
		{"a time with a monotonic clock is the same time", codec.MsgPack[order](), order{Placed: time.Now()}, ""},
		{"an empty map may come back nil", codec.MsgPack[order](), order{Amounts: map[string]float64{}}, ""},
		{"a field that its tag leaves out", codec.JSON[order](), order{Skipped: "not kept"}, ""},
		{"an unexported field is not kept", codec.MsgPack[order](), order{hidden: "not kept"}, ""},
		{"a number in an interface of another type", codec.JSON[order](), order{Any: 1}, "Any"},
		{"a state that cannot be encoded", codec.JSON[order](), order{Amounts: map[string]float64{"x": nan()}}, "state 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &recordingT{TB: t}
			sessiontest.RoundTrip(fake, test.codec, test.state)
			got := strings.Join(fake.errors, "\n")
			if (got != "") != (test.want != "") || !strings.Contains(got, test.want) {
				t.Errorf("failure %q, want one with %q", got, test.want)
			}
		})
	}
}

// nan returns a number that JSON does not have.
func nan() float64 {
	zero := 0.0
	return zero / zero
}
