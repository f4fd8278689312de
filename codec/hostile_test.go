package codec_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

// wide has a field of every kind that the MessagePack library decodes in a way
// of its own.
type wide struct {
	Any     any
	Bytes   []byte
	Strings []string
	Items   []item
	Ints    map[string]int
	Labels  map[string]string
	Prefs   map[string]any
	Keys    map[any]string
	Time    time.Time
	Next    *wide
	Raw     msgpack.RawMessage
	Text    text
	Err     error
}

// text encodes itself as a string.
type text struct{ s string }

var _ encoding.TextMarshaler = text{}

func (t text) MarshalText() ([]byte, error)  { return []byte(t.s), nil }
func (t *text) UnmarshalText(b []byte) error { t.s = string(b); return nil }

// field is a MessagePack record of a struct with one field.
func field(name string, value ...byte) []byte {
	data := append([]byte{1, 0x81, 0xa0 | byte(len(name))}, name...)
	return append(data, value...)
}

// TestLengthsThatLie gives each kind of field lengths of which nothing follows.
// Without the inspection in front, the library allocates from 256 MB to 64 GB
// for most of these before it notices.
func TestLengthsThatLie(t *testing.T) {
	lies := map[string][]byte{
		"bin of 2^32-1":           {0xc6, 0xff, 0xff, 0xff, 0xff},
		"str of 2^32-1":           {0xdb, 0xff, 0xff, 0xff, 0xff},
		"array of 2^32-1":         {0xdd, 0xff, 0xff, 0xff, 0xff},
		"array of 2^31":           {0xdd, 0x80, 0, 0, 0, 0},
		"map of 2^32-1":           {0xdf, 0xff, 0xff, 0xff, 0xff},
		"map of 2^31":             {0xdf, 0x80, 0, 0, 0, 0},
		"ext of 2^32-1":           {0xc9, 0xff, 0xff, 0xff, 0xff, 0xff},
		"nested array":            {0x91, 0x91, 0xdd, 0x7f, 0xff, 0xff, 0xff},
		"nested map":              {0x81, 0xa1, 'a', 0xdf, 0x7f, 0xff, 0xff, 0xff},
		"array in map in array":   {0x91, 0x81, 0xa1, 'a', 0xdc, 0xff, 0xff},
		"timestamp 64 like a map": {0xd7, 0xff, 0xdf, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0},
		"timestamp 32 like a map": {0xd6, 0xff, 0xdf, 0x7f, 0xff, 0xff},
		"timestamp 96 like a map": {0xc7, 12, 0xff, 0xdf, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0},
		"other extension":         {0xd5, 0x05, 0xde, 0xff},
	}
	c := codec.MsgPack[wide]()
	for name, lie := range lies {
		for _, f := range []string{"Any", "Bytes", "Strings", "Items", "Ints", "Labels", "Prefs", "Keys", "Time", "Next", "Raw", "Text", "Err", "Unknown"} {
			t.Run(name+" in "+f, func(t *testing.T) {
				data := field(f, lie...)
				var v wide
				var err error
				got := allocated(func() { err = c.Decode(data, &v) })
				if got > 64<<10 {
					t.Errorf("decoding %d bytes allocated %d", len(data), got)
				}
				if err == nil && !strings.HasPrefix(name, "timestamp") { // those may be times
					t.Error("no error")
				}
			})
		}
	}
}

// TestTimestampsThatHideLengths: taken for a map, the timestamp in Labels ends
// early, and the bytes after its first one or three become a field, Any, with an
// array of 2^24 elements.
func TestTimestampsThatHideLengths(t *testing.T) {
	for name, data := range map[string]string{
		"an empty map":          "\x82\xa6Labels\xd7\xff" + "\x80\xa3Any\xdd\x00\xff" + "\x00\x00",
		"a nil":                 "\x82\xa6Labels\xd7\xff" + "\xc0\xa3Any\xdd\x00\xff" + "\x00\x00",
		"a map of one":          "\x83\xa6Labels\xd7\xff" + "\x81\xa0\xa0\xa3Any\xdd" + "\x00\xff\x00\x00",
		"an empty map, 16 bits": "\x83\xa6Labels\xd7\xff" + "\xde\x00\x00\xa3Any\xdd" + "\x00\xff\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			var v wide
			var err error
			got := allocated(func() { err = codec.MsgPack[wide]().Decode([]byte("\x01"+data), &v) })
			if got > 64<<10 {
				t.Errorf("decoding %d bytes allocated %d", len(data), got)
			}
			wantError(t, err, "decoding map length")
		})
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHonestLengths: memory is bounded by the record, at the size of an element
// for each byte.
func TestHonestLengths(t *testing.T) {
	const n = 100_000
	c := codec.MsgPack[wide]()
	data := field("Items", 0xdd, 0, 0x01, 0x86, 0xa0)
	data = append(data, bytes.Repeat([]byte{0xc0}, n)...)
	var v wide
	var err error
	got := allocated(func() { err = c.Decode(data, &v) })
	if err != nil || len(v.Items) != n {
		t.Fatalf("%d items, error %v", len(v.Items), err)
	}
	if want := uint64(3 * 24 * n); got > want {
		t.Errorf("decoding %d bytes allocated %d, want at most %d", len(data), got, want)
	}
}

// TestDeepNesting would end the test process, were the depth not bounded:
// a program cannot recover from a stack that has overflowed.
func TestDeepNesting(t *testing.T) {
	const n = 4 << 20 // of 300 bytes of stack or more
	tests := []struct {
		name string
		head []byte
		step []byte
	}{
		{"arrays in any", field("Any"), []byte{0x91}},
		{"arrays in an unknown field", field("Unknown"), []byte{0x91}},
		{"arrays in a raw message", field("Raw"), []byte{0x91}},
		{"maps in any", field("Any"), []byte{0x81, 0xa0}},
		{"map keys in an unknown field", field("Unknown"), []byte{0x81}},
		{"a recursive type", []byte{1}, []byte("\x81\xa4Next")},
	}
	c := codec.MsgPack[wide]()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := append(tt.head, bytes.Repeat(tt.step, n/len(tt.step))...)
			var v wide
			wantError(t, c.Decode(append(data, 0xc0), &v), "nested deeper than 1000")
		})
	}
	for name, c := range map[string]codec.Codec[any]{
		"JSON": codec.JSON[any](), "Compress": codec.Compress(codec.JSON[any](), 2*n),
	} {
		t.Run(name, func(t *testing.T) {
			data := append([]byte{2}, bytes.Repeat([]byte{'['}, n)...)
			var v any
			wantError(t, c.Decode(data, &v), "exceeded max depth")
		})
	}
}

type chain struct{ Next *chain }

func newChain(n int) chain {
	c := new(chain)
	for range n - 1 {
		c = &chain{Next: c}
	}
	return *c
}

// TestDepthLimit: what cannot be decoded is not encoded either.
func TestDepthLimit(t *testing.T) {
	c := codec.MsgPack[chain]()
	deepest := newChain(1000)
	if diff := cmp.Diff(deepest, mustDecode(t, c, mustAppend(t, c, deepest))); diff != "" {
		t.Error("1000 levels: decoded state differs")
	}
	deeper := newChain(1001)
	_, err := c.Append(nil, &deeper)
	wantError(t, err, "nested deeper than 1000")

	var nested any
	for range 1001 {
		nested = []any{nested}
	}
	_, err = codec.MsgPack[struct{ V any }]().Append(nil, &struct{ V any }{nested})
	wantError(t, err, "nested deeper than 1000")
}

// TestStateThatContainsItself would end the test process as well.
func TestStateThatContainsItself(t *testing.T) {
	var ring chain
	ring.Next = &ring
	_, err := codec.MsgPack[chain]().Append([]byte("front"), &ring)
	wantError(t, err, "nested deeper than 1000")
	_, err = codec.JSON[chain]().Append(nil, &ring)
	wantError(t, err, "cycle")

	var pointer any
	pointer = &pointer
	_, err = codec.MsgPack[any]().Append(nil, &pointer)
	wantError(t, err, "nested deeper than 1000")

	slice := make([]any, 1)
	slice[0] = slice
	_, err = codec.MsgPack[[]any]().Append(nil, &slice)
	wantError(t, err, "nested deeper than 1000")

	tree := map[string]any{}
	tree["up"] = tree
	_, err = codec.MsgPack[map[string]any]().Append(nil, &tree)
	wantError(t, err, "nested deeper than 1000")
}

// TestLargeState is large enough for the depth to be looked at while the state
// is being written.
func TestLargeState(t *testing.T) {
	want := sample()
	for i := range 50_000 {
		want.Cart = append(want.Cart, item{fmt.Sprintf("SKU-%d", i), i})
	}
	c := codec.MsgPack[state]()
	if diff := cmp.Diff(want, mustDecode(t, c, mustAppend(t, c, want))); diff != "" {
		t.Error("decoded state differs")
	}
}

// TestTimesLikeMaps decodes the times whose bytes the inspector replaces, at
// every place where they may stand, and checks that data stays as it is.
func TestTimesLikeMaps(t *testing.T) {
	type times struct {
		Name string
		At   time.Time
		More []time.Time
		Any  any
		Bin  stamp
		Last map[string]string
	}
	c := codec.MsgPack[times]()
	for _, first := range []byte{0x00, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0xc0, 0xde, 0xdf, 0xee} {
		for _, sec := range []int64{0, 1_795_380_000, 1<<32 + 7, 1<<34 - 1} {
			at := time.Unix(sec, int64(first)<<22+12345)
			seconds := time.Unix(int64(first)<<24, 0)
			want := times{"a", at, []time.Time{at, seconds, at}, at, stamp{at}, map[string]string{"z": "end"}}
			data := mustAppend(t, c, want)
			before := bytes.Clone(data)
			if diff := cmp.Diff(want, mustDecode(t, c, data)); diff != "" {
				t.Errorf("first byte %#x, second %d (-want +got):\n%s", first, sec, diff)
			}
			if !bytes.Equal(data, before) {
				t.Errorf("first byte %#x: data was changed", first)
			}
		}
	}
	// The same time, not in a time's place.
	at := time.Unix(1_795_380_000, 0x81<<22)
	payload := binary.BigEndian.AppendUint64([]byte{0xd7, 0xff}, uint64(at.Nanosecond())<<34|uint64(at.Unix()))
	var v wide
	wantError(t, codec.MsgPack[wide]().Decode(field("Labels", payload...), &v), "map length")
}

// stamp decodes its time with a decoder of its own, as hand-written methods do.
type stamp struct{ At time.Time }

func (s stamp) MarshalMsgpack() ([]byte, error)     { return msgpack.Marshal(s.At) }
func (s *stamp) UnmarshalMsgpack(data []byte) error { return msgpack.Unmarshal(data, &s.At) }

// TestPanicsAreErrors: each of these makes the library or a method panic.
func TestPanicsAreErrors(t *testing.T) {
	decoding := map[string][]byte{
		"nil for a time":          field("Time", 0xc0),
		"slice as a map key":      field("Keys", 0x81, 0x90, 0xa0),
		"a field of any, twice":   {1, 0x82, 0xa3, 'A', 'n', 'y', 0x91, 1, 0xa3, 'A', 'n', 'y', 0x92, 1, 2},
		"error from a wrong type": field("Err", 0x01),
	}
	for name, data := range decoding {
		t.Run(name, func(t *testing.T) {
			var v wide
			wantError(t, codec.MsgPack[wide]().Decode(data, &v), "codec: panic")
		})
	}
	for name, c := range map[string]codec.Codec[explosive]{
		"MsgPack": codec.MsgPack[explosive](), "JSON": codec.JSON[explosive](), "Gob": codec.Gob[explosive](),
	} {
		t.Run(name+" method", func(t *testing.T) {
			data := mustAppend(t, c, explosive{})
			var v explosive
			wantError(t, c.Decode(data, &v), "codec: panic of type string")
			_, err := c.Append([]byte("front"), &explosive{lit: true})
			wantError(t, err, "codec: panic of type string")
		})
	}
	// A codec that met a panic goes on working.
	c := codec.MsgPack[state]()
	if diff := cmp.Diff(sample(), mustDecode(t, c, mustAppend(t, c, sample()))); diff != "" {
		t.Error(diff)
	}
}

// explosive panics when it is decoded, and encoded when lit.
type explosive struct{ lit bool }

func (e explosive) MarshalText() ([]byte, error) {
	if e.lit {
		panic("boom")
	}
	return []byte("x"), nil
}
func (e *explosive) UnmarshalText([]byte) error     { panic("boom") }
func (e explosive) MarshalBinary() ([]byte, error)  { return e.MarshalText() }
func (e *explosive) UnmarshalBinary(b []byte) error { return e.UnmarshalText(b) }

// TestMalformedMessagePack holds what the inspection refuses, and where it says
// that the fault is.
func TestMalformedMessagePack(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "does not end within its 0 bytes"},
		{"a code that is never used", []byte{0x81, 0xa1, 'a', 0xc1}, "invalid code 0xc1 at byte 3"},
		{"an array of one too few", []byte{0x92, 1}, "does not end within its 2 bytes"},
		{"a map without its last value", []byte{0x82, 0xa1, 'a', 1, 0xa1, 'b'}, "does not end"},
		{"a cut length", []byte{0xdd, 0, 0}, "does not end"},
		{"a cut number", []byte{0xcf, 1, 2, 3}, "does not end"},
		{"a cut float", []byte{0xca, 1, 2, 3}, "does not end"},
		{"a cut string", []byte{0xa3, 'a', 'b'}, "does not end"},
		{"a cut extension", []byte{0xd8, 0xff}, "does not end"},
		{"two values", []byte{0x80, 0x80}, "1 bytes after the value"},
		{"extension type 13", []byte{0xd7, 13, 0, 0, 0, 0, 0, 0, 0, 0}, "extension type 13 is not supported"},
		{"an interned string", []byte{0xd4, 0x80, 0}, "extension type -128 is not supported"},
		{"a timestamp of 16 bytes", append([]byte{0xd8, 0xff}, make([]byte, 16)...), "invalid timestamp"},
		{"a timestamp of no bytes", []byte{0xc7, 0, 0xff}, "invalid timestamp"},
		{"a timestamp of 2^30 ns", []byte{0xc7, 12, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "invalid timestamp"},
	}
	c := codec.MsgPack[any]()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			wantError(t, c.Decode(append([]byte{1}, tt.data...), &v), "codec: MsgPack: ", tt.want)
		})
	}
}

// TestMethodsThatMisbehave: methods of T must read and write exactly one value,
// or the record would be written but never be read again.
func TestMethodsThatMisbehave(t *testing.T) {
	for name, c := range map[string]codec.Codec[scripted]{"MsgPack": codec.MsgPack[scripted]()} {
		for _, out := range [][]byte{{}, {0xc0, 0xc0}, {0x91}, {0xc1}} {
			_, err := c.Append(nil, &scripted{out: out})
			wantError(t, err, "codec: MsgPack: ")
		}
		data := mustAppend(t, c, scripted{out: []byte{0x92, 1, 2}})
		var v scripted
		wantError(t, c.Decode(data, &v), name, "2 bytes left unread")
		_, err := c.Append(nil, &scripted{err: errors.New("no encoding today")})
		wantError(t, err, name, "(*errors.errorString)")
	}
}

// scripted writes what it is told and reads an array's head only.
type scripted struct {
	out []byte
	err error
}

func (s *scripted) EncodeMsgpack(e *msgpack.Encoder) error {
	if s.err != nil {
		return s.err
	}
	_, err := e.Writer().Write(s.out)
	return err
}

func (s *scripted) DecodeMsgpack(d *msgpack.Decoder) error {
	_, err := d.DecodeArrayLen()
	return err
}

// TestUnsupportedTypes: what a codec cannot carry shows at the first Append of
// the zero T, also where the zero T holds none of it.
func TestUnsupportedTypes(t *testing.T) {
	type interned struct {
		Name string `msgpack:",intern"`
	}
	type all struct {
		Channels []chan int
	}
	type hidden struct{ userID string }
	unsupported[chan int](t, "chan int", "MsgPack", "JSON", "Gob")
	unsupported[func()](t, "func()", "MsgPack", "JSON", "Gob")
	unsupported[complex128](t, "complex128", "MsgPack", "JSON")
	unsupported[struct{ U *uintptr }](t, "U: uintptr", "MsgPack")
	unsupported[all](t, "Channels[0]", "MsgPack", "JSON")
	unsupported[map[string]all](t, "Channels[0]", "MsgPack", "JSON")
	unsupported[map[complex64]int](t, "complex64", "MsgPack", "JSON")
	unsupported[struct{ Deep struct{ F *[]func() } }](t, "Deep.F[0]", "MsgPack", "JSON")
	unsupported[struct{ S fmt.Stringer }](t, "S is of type fmt.Stringer, which has methods", "MsgPack", "JSON")
	unsupported[struct{ S encoding.TextMarshaler }](t, "has methods", "MsgPack", "JSON")
	unsupported[struct{ Err error }](t, "Err is of type error", "JSON")
	unsupported[hidden](t, "no exported field", "MsgPack", "JSON", "Gob")
	unsupported[struct{ Buf bytes.Buffer }](t, "Buf is of type bytes.Buffer, which has no exported field", "MsgPack", "JSON")
	unsupported[Loop](t, "Loop: an embedded pointer", "MsgPack")
	unsupported[struct{ *Embedded }](t, "Embedded: an embedded pointer", "MsgPack")
	unsupported[interned](t, "Name: the tag option intern", "MsgPack")
	_ = hidden{}.userID

	type deliberate struct {
		Buf  bytes.Buffer `msgpack:"-" json:"-"`
		List []deliberate
		Next *deliberate
		Set  map[string]struct{}
		Text text

		*Embedded `msgpack:",noinline"`
	}
	mustAppend(t, codec.MsgPack[deliberate](), deliberate{})
	mustAppend(t, codec.JSON[deliberate](), deliberate{})
	mustAppend(t, codec.MsgPack[wide](), wide{})
}

// Loop would make the library recurse without an end at once.
type Loop struct {
	*Loop
	Name string
}

type Embedded struct{ Part string }

// unsupported checks that the codecs are refused for T, and why.
func unsupported[T any](t *testing.T, why string, by ...string) {
	t.Helper()
	all := map[string]codec.Codec[T]{"MsgPack": codec.MsgPack[T](), "JSON": codec.JSON[T](), "Gob": codec.Gob[T]()}
	for _, name := range by {
		wantError(t, codec.Check(all[name]), "codec: "+name+" would lose a part of", why)
		wantError(t, codec.Check(codec.Compress(all[name], 0)), "codec: "+name, why)
	}
}
