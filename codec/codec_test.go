package codec_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/codec"
)

type item struct {
	SKU string
	Qty int
}

// state is what the tests store. It has maps that the MessagePack library sorts,
// and Visits, which it does not.
type state struct {
	UserID   string
	Name     string
	Roles    []string
	Cart     []item
	Theme    string
	LastSeen time.Time
	Counter  int
	Flags    map[string]bool
	Labels   map[string]string
	Prefs    map[string]any
	Visits   map[string]int
}

func sample() state {
	return state{
		UserID:   "0b8e6a52-7c3d-4f7e-9a51-2f8f0d9f6f10",
		Name:     "Ada Lovelace",
		Roles:    []string{"admin", "editor", "user"},
		Cart:     []item{{"SKU-1001", 2}, {"SKU-2002", 1}, {"SKU-3003", 500}},
		Theme:    "dark",
		LastSeen: time.Date(2026, 11, 22, 20, 15, 7, 123456789, time.UTC),
		Counter:  -42,
		Flags:    map[string]bool{"beta": true, "tour": false, "ads": true, "news": true},
		Labels:   map[string]string{"team": "a", "site": "b", "desk": "c", "room": "d"},
		Prefs:    map[string]any{"lang": "en", "open": true, "zoom": 1.5, "none": nil},
		Visits:   map[string]int{"home": 1, "cart": 2, "help": 3, "news": 4},
	}
}

// codecs are all codecs of a type, alone and combined.
func codecs[T any]() map[string]codec.Codec[T] {
	same := func(v T) (T, error) { return v, nil }
	msgpack := codec.MsgPack[T]()
	return map[string]codec.Codec[T]{
		"MsgPack":                        msgpack,
		"JSON":                           codec.JSON[T](),
		"Gob":                            codec.Gob[T](),
		"Compress(MsgPack)":              codec.Compress(msgpack, 0),
		"Compress(JSON)":                 codec.Compress(codec.JSON[T](), 0),
		"Compress(Compress(MsgPack))":    codec.Compress(codec.Compress(msgpack, 0), 0),
		"PrepareMigrate(MsgPack, JSON)":  codec.PrepareMigrate(msgpack, same, codec.JSON[T](), same),
		"Migrate(MsgPack, JSON)":         codec.Migrate(msgpack, same, codec.JSON[T]()),
		"Compress(Migrate(MsgPack))":     codec.Compress(codec.Migrate(msgpack, same, msgpack), 0),
		"Migrate(MsgPack, Compress)":     codec.Migrate(msgpack, same, codec.Compress(msgpack, 0)),
		"Migrate(Compress(Migrate(..)))": codec.Migrate(codec.Compress(codec.Migrate(msgpack, same, msgpack), 0), same, msgpack),
	}
}

func mustAppend[T any](t testing.TB, c codec.Codec[T], v T) []byte {
	t.Helper()
	data, err := c.Append(nil, &v)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return data
}

func mustDecode[T any](t testing.TB, c codec.Codec[T], data []byte) T {
	t.Helper()
	var v T
	if err := c.Decode(data, &v); err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return v
}

// wantError fails the test unless err says all of the words.
func wantError(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	large := sample()
	for i := range 200 {
		large.Cart = append(large.Cart, item{SKU: fmt.Sprintf("SKU-%d", i), Qty: i})
	}
	for name, c := range codecs[state]() {
		for _, want := range []state{{}, sample(), large} {
			t.Run(fmt.Sprintf("%s/%d items", name, len(want.Cart)), func(t *testing.T) {
				data := mustAppend(t, c, want)
				if diff := cmp.Diff(want, mustDecode(t, c, data)); diff != "" {
					t.Errorf("decoded state differs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestAppendKeepsWhatIsInFront(t *testing.T) {
	v := sample()
	for name, c := range codecs[state]() {
		t.Run(name, func(t *testing.T) {
			dst := append(make([]byte, 0, 4096), "front"...)
			out, err := c.Append(dst, &v)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(out, []byte("front")) {
				t.Fatalf("the bytes in front have become %q", out[:5])
			}
			if &out[0] != &dst[0] {
				t.Error("the slice was copied, although there was room in it")
			}
			if diff := cmp.Diff(v, mustDecode(t, c, out[5:])); diff != "" {
				t.Errorf("decoded state differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWrongFormat gives every codec what another one wrote.
func TestWrongFormat(t *testing.T) {
	leaves := map[string]codec.Codec[state]{
		"MessagePack (format 1)": codec.MsgPack[state](),
		"JSON (format 2)":        codec.JSON[state](),
		"gob (format 3)":         codec.Gob[state](),
	}
	records := map[string][]byte{
		"migrated (format 4)":   {4, 2, 1, 0x80},
		"compressed (format 5)": {5, 1, 3, 0},
		"unknown (format 0)":    {0},
		"unknown (format 200)":  {200, 1, 2},
	}
	for name, c := range leaves {
		records[name] = mustAppend(t, c, sample())
	}
	for want, c := range leaves {
		for name, data := range records {
			if name == want {
				continue
			}
			var v state
			wantError(t, c.Decode(data, &v), name, want)
		}
		for _, data := range [][]byte{nil, {}} {
			var v state
			wantError(t, c.Decode(data, &v), "no data", want)
		}
	}
}

// TestCorrupt cuts and extends what each codec wrote.
func TestCorrupt(t *testing.T) {
	for name, c := range codecs[state]() {
		t.Run(name, func(t *testing.T) {
			data := mustAppend(t, c, sample())
			for n := range data {
				var v state
				if err := c.Decode(data[:n:n], &v); err == nil {
					t.Errorf("the first %d of %d bytes decode without an error", n, len(data))
				}
			}
			for _, tail := range []string{"\x00", "\xc0", "{}", "\x80", string(data)} {
				var v state
				if err := c.Decode(append(bytes.Clone(data), tail...), &v); err == nil {
					t.Errorf("no error with %q after the state", tail)
				}
			}
			// Any byte may be another. Errors are fine, panics are not.
			for i := range data {
				broken := bytes.Clone(data)
				for _, b := range []byte{0x00, 0x7f, 0x80, 0xc0, 0xc1, 0xdd, 0xff, data[i] ^ 1} {
					broken[i] = b
					if name == "Gob" && i > 0 {
						break // could allocate without bound
					}
					var v state
					_ = c.Decode(broken, &v)
				}
			}
		})
	}
}

// TestKindsOfT holds the support of each kind of T. Gob alone is documented to
// give back an empty T for a nil one, and to need registered types in any.
func TestKindsOfT(t *testing.T) {
	number := 7
	pointer := &number
	t.Run("struct", func(t *testing.T) { roundTrip(t, item{"a", 1}) })
	t.Run("empty struct", func(t *testing.T) { roundTrip(t, struct{}{}) })
	t.Run("string", func(t *testing.T) { roundTrip(t, "text") })
	t.Run("int", func(t *testing.T) { roundTrip(t, -7) })
	t.Run("time", func(t *testing.T) { roundTrip(t, sample().LastSeen) })
	t.Run("slice", func(t *testing.T) { roundTrip(t, []string{"a", "b"}) })
	t.Run("slice of structs", func(t *testing.T) { roundTrip(t, []item{{"a", 1}}) })
	t.Run("bytes", func(t *testing.T) { roundTrip(t, []byte{1, 2}) })
	t.Run("array", func(t *testing.T) { roundTrip(t, [2]int{1, 2}) })
	t.Run("map", func(t *testing.T) { roundTrip(t, map[string]int{"a": 1}) })
	t.Run("map by int", func(t *testing.T) { roundTrip(t, map[int]item{3: {"a", 1}}) })
	t.Run("set", func(t *testing.T) { roundTrip(t, map[string]struct{}{"a": {}}) })
	t.Run("pointer", func(t *testing.T) { roundTrip(t, &item{"a", 1}) })
	t.Run("pointer to pointer", func(t *testing.T) { roundTrip(t, &pointer) })
	t.Run("any", func(t *testing.T) { roundTrip[any](t, "text") })
	t.Run("nil any", func(t *testing.T) { roundTrip[any](t, nil) })
	t.Run("nil slice", func(t *testing.T) { roundTrip(t, []string(nil), "Gob") })
	t.Run("nil map", func(t *testing.T) { roundTrip(t, map[string]any(nil), "Gob") })
	t.Run("nil pointer", func(t *testing.T) { roundTrip[*item](t, nil, "Gob") })
	t.Run("any with parts", func(t *testing.T) {
		roundTrip[any](t, map[string]any{"a": []any{true, nil, "x", map[string]any{}}}, "Gob")
	})
}

// roundTrip checks that every codec carries v, but for those named.
func roundTrip[T any](t *testing.T, v T, except ...string) {
	t.Helper()
	for name, c := range codecs[T]() {
		if slices.Contains(except, name) {
			continue
		}
		if diff := cmp.Diff(v, mustDecode(t, c, mustAppend(t, c, v))); diff != "" {
			t.Errorf("%s: decoded value differs (-want +got):\n%s", name, diff)
		}
	}
}

// TestConcurrentUse mixes states of different sizes and failures, so that a
// pooled encoder or decoder which kept anything would show it. Run with -race.
func TestConcurrentUse(t *testing.T) {
	for name, c := range codecs[state]() {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					for i := range 10 {
						want := sample()
						want.Counter = g*1000 + i
						want.Name = strings.Repeat(want.Name, g*i)
						data, err := c.Append(nil, &want)
						if err != nil {
							t.Errorf("Append: %v", err)
							return
						}
						var cut, got state
						if err := c.Decode(data[:len(data)/2], &cut); err == nil {
							t.Error("half a record decodes without an error")
						}
						if err := c.Decode(data, &got); err != nil {
							t.Errorf("Decode: %v", err)
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("decoded state differs (-want +got):\n%s", diff)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
