package codec_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

// lent has a field of each kind of which a codec could keep a part of the
// payload.
type lent struct {
	Text    string
	Bytes   []byte
	Array   [4]byte
	Any     any
	Blobs   []any
	Keys    map[string]string
	Anys    map[string]any
	JSON    json.RawMessage
	Raw     msgpack.RawMessage
	Addr    netip.Addr
	Times   []time.Time
	Pointer *string
}

func lentSample() lent {
	value := "behind a pointer"
	return lent{
		Text:    "some text",
		Bytes:   []byte("some bytes"),
		Array:   [4]byte{1, 2, 3, 4},
		Any:     "any text",
		Blobs:   []any{"x", "another text"},
		Keys:    map[string]string{"key": strings.Repeat("value", 100)},
		Anys:    map[string]any{"key": "value"},
		JSON:    json.RawMessage(`"raw"`),
		Raw:     msgpack.RawMessage("\xa3raw"),
		Addr:    netip.MustParseAddr("2001:db8::1"),
		Times:   []time.Time{time.Unix(1_795_380_000, 0x81<<22).UTC()}, // respelled, see inspector
		Pointer: &value,
	}
}

// TestDecodeKeepsNothingOfData decodes from a buffer that is then used for
// something else, as a store may do.
func TestDecodeKeepsNothingOfData(t *testing.T) {
	opts := cmp.Options{
		cmpopts.EquateComparable(netip.Addr{}), cmp.Comparer(time.Time.Equal),
	}
	for name, c := range codecs[lent]() {
		t.Run(name, func(t *testing.T) {
			want := lentSample()
			if strings.Contains(name, "Gob") {
				want.Blobs = nil // a []any would have to be registered
				want.Anys = nil
			}
			const spare = 64
			record := mustAppend(t, c, want)
			buffer := append(bytes.Clone(record), bytes.Repeat([]byte{0xaa}, spare)...)
			before := bytes.Clone(buffer)
			got := mustDecode(t, c, buffer[:len(record)])
			if !bytes.Equal(buffer, before) {
				t.Error("Decode has changed the buffer")
			}
			for i := range buffer {
				buffer[i] = '?'
			}
			if diff := cmp.Diff(want, got, opts); diff != "" {
				t.Errorf("the state changed with the buffer (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecodeBorrowsForMethods: what a method is handed is its own.
func TestDecodeBorrowsForMethods(t *testing.T) {
	c := codec.MsgPack[[]keeper]()
	data := mustAppend(t, c, []keeper{{[]byte("first")}, {[]byte("second")}})
	before := bytes.Clone(data)
	got := mustDecode(t, c, data)
	for i := range got {
		clear(got[i].data) // would show in data, were it a part of it
	}
	if !bytes.Equal(data, before) {
		t.Error("a method was handed a part of data")
	}
}

// keeper keeps what its method is handed, which it must not.
type keeper struct{ data []byte }

func (k keeper) MarshalBinary() ([]byte, error)     { return k.data, nil }
func (k *keeper) UnmarshalBinary(data []byte) error { k.data = data; return nil }
