package codec_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

// fuzzState is vectorState and the kinds of field that lead the library into
// its other corners.
type fuzzState struct {
	vectorState
	Any     any
	Map     map[string]item
	Times   []time.Time
	When    *time.Time
	Strings []string
	Text    text
	Raw     msgpack.RawMessage
	Tree    []fuzzTree
	Array   [3]uint16
}

type fuzzTree struct {
	Name string
	Tree []fuzzTree
	Up   *fuzzTree
}

// FuzzMsgPack holds that no data panics or allocates beyond measure, and that
// what decodes can be encoded, to something that decodes to the same.
func FuzzMsgPack(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.data)
	}
	for _, name := range []string{"Any", "Map", "Times", "When", "Strings", "Text", "Raw", "Tree", "Array"} {
		f.Add(field(name, 0x92, 0xd7, 0xff, 0x81, 1, 2, 3, 4, 5, 6, 7, 0xa1, 'a'))
		f.Add(field(name, 0x81, 0xa4, 'T', 'r', 'e', 'e', 0x91, 0x80))
		f.Add(field(name, 0xa5, 'h', 'e', 'l', 'l', 'o'))
	}
	f.Add(field("Any", 0xd3, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0)) // an int64 that will be a uint64
	f.Add(field("Any", 0x82, 0xa1, 'a', 1, 0x91, 0xc0, 1))  // an array as a key
	f.Add(field("Any", 0x83, 0x01, 0x81, 0xc3, 0xc0, 0xc0, 0x90, 0xc4, 1, 'a', 0xd9, 1, 'b'))
	c := codec.MsgPack[fuzzState]()
	f.Fuzz(func(t *testing.T, data []byte) {
		var first fuzzState
		var err error
		if got := allocated(func() { err = c.Decode(data, &first) }); got > 100_000+1000*uint64(len(data)) {
			t.Errorf("decoding %d bytes allocated %d", len(data), got)
		}
		if err != nil {
			return
		}
		again := mustAppend(t, c, first)
		opts := cmp.Options{cmpopts.EquateNaNs(), cmp.AllowUnexported(fuzzState{}, text{}), equateIntegers, equateKeys}
		if diff := cmp.Diff(first, mustDecode(t, c, again), opts); diff != "" {
			t.Errorf("encoded and decoded again (-first +again):\n%s", diff)
		}
	})
}

// equateIntegers compares integers in an interface by value. Other writers'
// choice of a type for them, signed or wider than needed, is not kept.
var equateIntegers = cmp.FilterValues(func(x, y any) bool {
	return isInteger(x) && isInteger(y)
}, cmp.Comparer(func(x, y any) bool { return fmt.Sprint(x) == fmt.Sprint(y) }))

// equateKeys does not look into maps with keys of any type. The type of an
// integer is not kept there either, so that two keys may become one.
var equateKeys = cmp.Comparer(func(x, y map[any]any) bool {
	return len(y) <= len(x) && (len(x) == 0) == (len(y) == 0)
})

func isInteger(v any) bool {
	switch v.(type) {
	case int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		return true
	}
	return false
}

// FuzzCompress takes the data for a state and for a record.
func FuzzCompress(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.data)
		f.Add(bytes.Repeat(v.data, 3))
		f.Add(claims(uint64(len(v.data)), deflate(f, v.data)))
	}
	const limit = 10_000
	inner := codec.MsgPack[[]byte]()
	c := codec.Compress(inner, limit)
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := c.Append(nil, &data)
		if plain := mustAppend(t, inner, data); (err == nil) != (len(plain) <= limit) {
			t.Fatalf("state of %d bytes: error %v", len(plain), err)
		} else if len(record) > len(plain) {
			t.Errorf("%d bytes became %d", len(plain), len(record))
		}
		if err == nil {
			if got := mustDecode(t, c, record); !bytes.Equal(got, data) {
				t.Error("the state has changed")
			}
		}
		var state []byte
		if got := allocated(func() { err = c.Decode(data, &state) }); got > 100_000+limit+3*uint64(len(data)) {
			t.Errorf("decoding %d bytes allocated %d", len(data), got)
		}
		if err == nil && len(state) <= limit-10 {
			if got := mustDecode(t, c, mustAppend(t, c, state)); !bytes.Equal(got, state) {
				t.Error("encoded and decoded again, the state has changed")
			}
		}
	})
}
