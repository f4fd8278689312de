package codec_test

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

// TestChangesOfT holds what the package comment says about changes of T that
// need no Migrate.
func TestChangesOfT(t *testing.T) {
	type v1 struct {
		Name  string
		Age   int8
		Theme string
		Cart  []item
	}
	old := v1{"Ada", 36, "dark", []item{{"a", 1}}}

	t.Run("a field is added", func(t *testing.T) {
		type v2 struct {
			Name  string
			Email string
			Age   int8
			Theme string
			Cart  []item
			Tags  map[string]string
		}
		carried(t, old, v2{Name: "Ada", Age: 36, Theme: "dark", Cart: old.Cart})
	})
	t.Run("fields are removed", func(t *testing.T) {
		type v2 struct{ Theme string }
		carried(t, old, v2{"dark"})
	})
	t.Run("fields are reordered", func(t *testing.T) {
		type v2 struct {
			Cart  []item
			Theme string
			Name  string
			Age   int8
		}
		carried(t, old, v2{old.Cart, "dark", "Ada", 36})
	})
	t.Run("a number is widened", func(t *testing.T) {
		type v2 struct{ Age int64 }
		carried(t, old, v2{36})
	})
	t.Run("a value becomes a pointer", func(t *testing.T) {
		type v2 struct{ Name *string }
		name := "Ada"
		carried(t, old, v2{&name})
	})
	t.Run("a pointer becomes a value", func(t *testing.T) {
		type pointer struct{ Name *string }
		carried(t, pointer{}, struct{ Name string }{})
	})
	t.Run("a type within is renamed", func(t *testing.T) {
		type thing struct {
			Qty int
			SKU string
		}
		type v2 struct{ Cart []thing }
		carried(t, old, v2{[]thing{{1, "a"}}})
	})
	t.Run("a field is renamed with the old name in the tag", func(t *testing.T) {
		type v2 struct {
			FullName string `json:"Name" msgpack:"Name"`
		}
		carried(t, old, v2{"Ada"})
	})
	t.Run("a field is renamed with an alias", func(t *testing.T) {
		type v2 struct {
			FullName string `msgpack:"FullName,alias:Name"`
		}
		c := codec.MsgPack[v2]()
		if got := mustDecode(t, c, mustAppend(t, codec.MsgPack[v1](), old)); got.FullName != "Ada" {
			t.Errorf("got %q, want the name from under the old name", got.FullName)
		}
		if got := mustDecode(t, c, mustAppend(t, c, v2{"Eve"})); got.FullName != "Eve" {
			t.Errorf("got %q, want the name from under the new name", got.FullName)
		}
	})
	t.Run("a field changes its type", func(t *testing.T) {
		type v2 struct{ Name int }
		var v v2
		wantError(t, codec.MsgPack[v2]().Decode(mustAppend(t, codec.MsgPack[v1](), old), &v), "codec: MsgPack: ")
		wantError(t, codec.JSON[v2]().Decode(mustAppend(t, codec.JSON[v1](), old), &v), "codec: JSON: ")
	})
}

// carried checks that MsgPack and JSON decode what they wrote of old as want.
func carried[Old, New any](t *testing.T, old Old, want New) {
	t.Helper()
	if diff := cmp.Diff(want, mustDecode(t, codec.MsgPack[New](), mustAppend(t, codec.MsgPack[Old](), old))); diff != "" {
		t.Errorf("MsgPack (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, mustDecode(t, codec.JSON[New](), mustAppend(t, codec.JSON[Old](), old))); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestWhatMsgPackKeeps holds the small print of the doc comment.
func TestWhatMsgPackKeeps(t *testing.T) {
	t.Run("an instant, not its zone", func(t *testing.T) {
		at := time.Now().In(time.FixedZone("elsewhere", 3600))
		got := mustDecode(t, codec.MsgPack[time.Time](), mustAppend(t, codec.MsgPack[time.Time](), at))
		if !got.Equal(at) || got.Location() != time.Local {
			t.Errorf("got %v, want the same instant as %v in the local zone", got, at)
		}
		if got := mustDecode(t, codec.MsgPack[time.Time](), mustAppend(t, codec.MsgPack[time.Time](), time.Time{})); got != (time.Time{}) {
			t.Errorf("the zero time became %v", got)
		}
	})
	t.Run("times far away", func(t *testing.T) {
		for _, year := range []int{-5000, 1, 1969, 1970, 2039, 2107, 2515, 9999} {
			at := time.Date(year, 2, 3, 4, 5, 6, 7, time.UTC)
			if got := mustDecode(t, codec.MsgPack[time.Time](), mustAppend(t, codec.MsgPack[time.Time](), at)); !got.Equal(at) {
				t.Errorf("got %v, want %v", got, at)
			}
		}
	})
	t.Run("empty is not nil", func(t *testing.T) {
		type empty struct {
			S []string
			I []item
			B []byte
			M map[string]int
		}
		want := empty{[]string{}, []item{}, []byte{}, map[string]int{}}
		if diff := cmp.Diff(want, mustDecode(t, codec.MsgPack[empty](), mustAppend(t, codec.MsgPack[empty](), want))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("numbers in an interface by their size", func(t *testing.T) {
		c := codec.MsgPack[[]any]()
		got := mustDecode(t, c, mustAppend(t, c, []any{1, -1, 200, 70_000, int64(1 << 40), -200, 1.5, float32(1.5)}))
		want := []any{int8(1), int8(-1), uint8(200), uint32(70_000), uint64(1 << 40), int16(-200), 1.5, float32(1.5)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("what an interface held, written again, unchanged", func(t *testing.T) {
		c := codec.MsgPack[[]any]()
		data := mustAppend(t, c, []any{1, -1, 200, uint64(70_000), []byte("x"), "x", 1.5, true, nil, map[string]any{"a": 1}})
		if again := mustAppend(t, c, mustDecode(t, c, data)); string(again) != string(data) {
			t.Errorf("got %x, want %x", again, data)
		}
	})
	t.Run("maps in an interface by their keys", func(t *testing.T) {
		at := time.Unix(1_800_000_000, 0)
		addr := netip.MustParseAddr("::1")
		mapped, err := addr.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		c := codec.MsgPack[map[string]any]()
		got := mustDecode(t, c, mustAppend(t, c, map[string]any{
			"strings": map[string]int{"a": 1},
			"empty":   map[int]int{},
			"none":    map[int]int(nil),
			"ints":    map[int]bool{1: true, 200: false},
			"field":   struct{ Perms map[int]bool }{map[int]bool{1: true}},
			"mixed":   map[any]any{"a": 1, true: map[int]int{2: 3}, 1.5: nil, at: "time", int64(-7): []any{map[bool]int{false: 1}}},
			"methods": map[any]any{addr: 1, 2: 3},
			"texts":   map[netip.Addr]int{addr: 1},
			"pointer": map[*int]int{nil: 1},
			"nil":     map[any]int{nil: 1, 2: 3},
		}))
		want := map[string]any{
			"strings": map[string]any{"a": int8(1)},
			"empty":   map[string]any{},
			"none":    nil,
			"ints":    map[any]any{int8(1): true, uint8(200): false},
			"field":   map[string]any{"Perms": map[any]any{int8(1): true}},
			"mixed":   map[any]any{"a": int8(1), true: map[any]any{int8(2): int8(3)}, 1.5: nil, at: "time", int8(-7): []any{map[any]any{false: int8(1)}}},
			"methods": map[any]any{string(mapped): int8(1), int8(2): int8(3)},
			"texts":   map[string]any{string(mapped): int8(1)},
			"pointer": map[string]any{"": int8(1)},
			"nil":     map[any]any{"": int8(1), int8(2): int8(3)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, mustDecode(t, c, mustAppend(t, c, got))); diff != "" {
			t.Errorf("written again (-want +got):\n%s", diff)
		}
	})
	t.Run("strings after another key", func(t *testing.T) {
		data := []byte("\x01\x86\xa1a\x01" + "\x02\x02" + "\xc0\x03" + "\xc4\x01b\x04" + "\xd9\x01c\x05" + "\xa1d\x06")
		want := any(map[any]any{"a": int8(1), int8(2): int8(2), "": int8(3), "b": int8(4), "c": int8(5), "d": int8(6)})
		if diff := cmp.Diff(want, mustDecode(t, codec.MsgPack[any](), data)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("no maps in an interface whose keys are arrays, maps or structs", func(t *testing.T) {
		for _, v := range []any{
			map[[2]int]int{{1, 2}: 3},
			map[struct{ A int }]int{{1}: 3},
			map[any]any{"a": 1, [1]string{"b"}: 2},
			map[any]any{struct{ M any }{&map[int]int{1: 2}}: 1, 1: 2},
			[]any{map[[1]bool]int{{true}: 1}},
		} {
			c := codec.MsgPack[any]()
			var got any
			wantError(t, c.Decode(mustAppend(t, c, v), &got), "codec: MsgPack: an array or a map is the key")
		}
	})
	t.Run("numbers in as few bytes as they need", func(t *testing.T) {
		data := mustAppend(t, codec.MsgPack[[3]int64](), [3]int64{1, -1, 200})
		if got, want := hex.EncodeToString(data), "019301ffccc8"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// byHand has methods for the library; methods is what they are called with.
type byHand struct {
	Name  string
	Count int
}

func (b *byHand) EncodeMsgpack(e *msgpack.Encoder) error {
	// Settings that must not stick to the pooled encoder.
	e.UseCompactInts(false)
	e.SetSortMapKeys(false)
	e.SetCustomStructTag("json")
	return e.EncodeMulti(b.Name + ":" + string(rune('0'+b.Count)))
}

func (b *byHand) DecodeMsgpack(d *msgpack.Decoder) error {
	d.DisallowUnknownFields(true)
	d.SetMapDecoder(func(*msgpack.Decoder) (any, error) { return nil, errors.New("stuck") })
	s, err := d.DecodeString()
	if err != nil || len(s) < 2 {
		return errors.Join(err, errors.New("too short"))
	}
	b.Name, b.Count = s[:len(s)-2], int(s[len(s)-1]-'0')
	return nil
}

// tags has methods for the library, and can be nil, of which they know nothing.
type tags map[string]bool

func (ts tags) EncodeMsgpack(e *msgpack.Encoder) error {
	return e.EncodeArrayLen(len(ts)) // enough for the empty ones of the test
}

func (ts *tags) DecodeMsgpack(d *msgpack.Decoder) error {
	_, err := d.DecodeArrayLen()
	*ts = tags{}
	return err
}

func TestNilIsNotLeftToMethods(t *testing.T) {
	c := codec.MsgPack[tags]()
	data := mustAppend(t, c, tags(nil))
	if got, want := string(data), "\x01\xc0"; got != want {
		t.Errorf("nil is encoded as %q, want %q", got, want)
	}
	if got := mustDecode(t, c, data); got != nil {
		t.Errorf("nil is decoded as %#v", got)
	}
	if got := mustDecode(t, c, mustAppend(t, c, tags{})); got == nil {
		t.Error("what is empty is decoded as nil")
	}
}

func TestMethodsForTheLibrary(t *testing.T) {
	c := codec.MsgPack[byHand]()
	want := byHand{"Ada", 7}
	data := mustAppend(t, c, want)
	if got, want := string(data), "\x01\xa5Ada:7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if diff := cmp.Diff(want, mustDecode(t, c, data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	type outer struct {
		Map   map[string]any
		N     int64 `json:"renamed"`
		Hands []byHand
	}
	within := codec.MsgPack[outer]()
	full := outer{map[string]any{"b": true, "a": "x", "c": "y", "d": "z"}, 5, []byHand{want, {"Eve", 1}}}
	if diff := cmp.Diff(full, mustDecode(t, within, mustAppend(t, within, full))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Whatever the methods set, other states are encoded as ever.
	plain := codec.MsgPack[outer]()
	first := mustAppend(t, plain, outer{Map: full.Map, N: 5})
	if want := "\xa1N\x05"; !strings.Contains(string(first), want) {
		t.Errorf("%q does not contain %q", first, want)
	}
	for range 50 {
		mustAppend(t, c, want)
		mustDecode(t, c, data)
		if again := mustAppend(t, plain, outer{Map: full.Map, N: 5}); string(again) != string(first) {
			t.Fatal("the methods' settings stuck to the encoder")
		}
		if diff := cmp.Diff(full.Map, mustDecode(t, plain, first).Map); diff != "" {
			t.Fatalf("the methods' settings stuck to the decoder:\n%s", diff)
		}
		mustDecode(t, codec.MsgPack[struct{}](), first) // of unknown fields
	}
}

// quick has the methods that github.com/tinylib/msgp generates.
type quick struct {
	Name string
	When int64
	fail error
}

func (q *quick) MarshalMsg(dst []byte) ([]byte, error) {
	dst = append(dst, 0x82, 0xa4)
	dst = append(dst, "name"...)
	dst = append(dst, 0xa0|byte(len(q.Name)))
	dst = append(dst, q.Name...)
	dst = append(dst, 0xa4)
	dst = append(dst, "when"...)
	return append(dst, 0xc7, 2, 5, byte(q.When>>8), byte(q.When)), q.fail // an extension type of its own
}

func (q *quick) UnmarshalMsg(data []byte) ([]byte, error) {
	n := int(data[6] & 0x1f) // whatever the data is, so that corrupt data panics
	q.Name = string(data[7 : 7+n])
	data = data[7+n:]
	q.When = int64(data[8])<<8 | int64(data[9])
	return data[10:], nil
}

func TestGeneratedMethods(t *testing.T) {
	c := codec.MsgPack[quick]()
	want := quick{Name: "Ada", When: 700}
	data := mustAppend(t, c, want)
	if got, want := string(data), "\x01\x82\xa4name\xa3Ada\xa4when\xc7\x02\x05\x02\xbc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := mustDecode(t, c, data); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	var v quick
	wantError(t, c.Decode([]byte{1, 0x80}, &v), "codec: panic")
	wantError(t, c.Decode([]byte{1, 0xdd, 0xff, 0xff, 0xff, 0xff}, &v), "codec: MsgPack: ", "does not end")
	wantError(t, c.Decode(append(data, 0xc0), &v), "codec: MsgPack: ", "1 bytes after")
	_, err := c.Append(nil, &quick{fail: errors.New("not today")})
	wantError(t, err, "codec: MsgPack: ", "(*errors.errorString)")
	_, err = c.Append(nil, &quick{Name: "more than 31 bytes, which this method does not reckon with"})
	wantError(t, err, "codec: MsgPack: ")

	// A T that only wraps it is the library's, by reflection.
	type outer struct{ Quick quick }
	wrapped := mustAppend(t, codec.MsgPack[outer](), outer{want})
	if got, want := string(wrapped), "\x01\x81\xa5Quick\x82\xa4Name\xa3Ada\xa4When\xcd\x02\xbc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// registered is written as text, as the library is told in TestRegister.
type registered struct{ N int }

// TestRegister: what an application has registered with the library is obeyed.
func TestRegister(t *testing.T) {
	msgpack.Register(registered{},
		func(e *msgpack.Encoder, v reflect.Value) error {
			return e.EncodeString(strconv.Itoa(v.Interface().(registered).N))
		},
		func(d *msgpack.Decoder, v reflect.Value) error {
			s, err := d.DecodeString()
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(s)
			v.Set(reflect.ValueOf(registered{n}))
			return err
		})
	type outer struct {
		A string
		R []registered
	}
	c := codec.MsgPack[outer]()
	want := outer{"a", []registered{{7}}}
	data := mustAppend(t, c, want)
	if want := "\x01\x82\xa1A\xa1a\xa1R\x91\xa17"; string(data) != want {
		t.Errorf("got %q, want %q", data, want)
	}
	if diff := cmp.Diff(want, mustDecode(t, c, data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
