//go:build !race

// Under the race detector sync.Pool drops at random what it is given, so that
// allocations cannot be counted.

package codec_test

import (
	"bytes"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

// TestMsgPackAllocs compares with the library alone, so that it holds for any
// version of it: encoding costs what its encoder costs when it is reused and
// writes to a buffer with room; decoding costs one less than Unmarshal, which
// makes itself a reader.
func TestMsgPackAllocs(t *testing.T) {
	c := codec.MsgPack[small]()
	v := smallSample()
	dst := make([]byte, 0, 512)
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	library := testing.AllocsPerRun(1000, func() {
		buf.Reset()
		if err := enc.Encode(&v); err != nil {
			t.Fatal(err)
		}
	})
	ours := testing.AllocsPerRun(1000, func() {
		if _, err := c.Append(dst, &v); err != nil {
			t.Fatal(err)
		}
	})
	if ours > library {
		t.Errorf("Append allocates %v times, the library's encoder %v", ours, library)
	}

	data, err := c.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	library = testing.AllocsPerRun(1000, func() {
		var v small
		if err := msgpack.Unmarshal(data[1:], &v); err != nil {
			t.Fatal(err)
		}
	})
	ours = testing.AllocsPerRun(1000, func() {
		var v small
		if err := c.Decode(data, &v); err != nil {
			t.Fatal(err)
		}
	})
	if ours > library-1 {
		t.Errorf("Decode allocates %v times, msgpack.Unmarshal %v", ours, library)
	}
}

// TestAllocs asserts what the codecs add to those that they are made of.
func TestAllocs(t *testing.T) {
	inner := codec.MsgPack[small]()
	same := func(v small) (small, error) { return v, nil }
	v := smallSample()
	large := smallSample()
	for range 50 {
		large.Cart = append(large.Cart, large.Cart[0])
	}
	tests := []struct {
		name           string
		codec          codec.Codec[small]
		state          *small
		append, decode float64 // more than the inner codec
	}{
		{"Compress, small", codec.Compress(inner, 0), &v, 0, 0},
		{"Compress, large", codec.Compress(inner, 0), &large, 0, 1},
		{"Migrate, current", codec.Migrate(inner, same, inner), &v, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := make([]byte, 0, 4096)
			count := func(c codec.Codec[small]) (appends, decodes float64) {
				data := mustAppend(t, c, *tt.state)
				return testing.AllocsPerRun(1000, func() { _, _ = c.Append(dst, tt.state) }),
					testing.AllocsPerRun(1000, func() { var v small; _ = c.Decode(data, &v) })
			}
			baseA, baseD := count(inner)
			a, d := count(tt.codec)
			if a > baseA+tt.append {
				t.Errorf("Append allocates %v times, the inner codec %v", a, baseA)
			}
			if d > baseD+tt.decode {
				t.Errorf("Decode allocates %v times, the inner codec %v", d, baseD)
			}
		})
	}
	generated := codec.MsgPack[quick]()
	dst := make([]byte, 0, 512)
	q := quick{Name: "Ada", When: 7}
	if got := testing.AllocsPerRun(1000, func() { _, _ = generated.Append(dst, &q) }); got > 0 {
		t.Errorf("Append with generated methods allocates %v times", got)
	}
}
