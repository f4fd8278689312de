package codec_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/codec"
)

// unordered has maps of which the MessagePack library orders none.
type unordered struct {
	Ints    map[string]int
	Counts  map[string]int64
	Small   map[string]int8
	Items   map[string]item
	Lists   map[string][]string
	Nested  map[string]map[string]int
	Names   map[name]string
	Numbers map[int]string
	Any     any
	Pairs   map[any]int
	Texts   map[string]text
}

type name string

// newUnordered fills the maps in an order that depends on turn.
func newUnordered(turn int) unordered {
	u := unordered{
		Ints: map[string]int{}, Counts: map[string]int64{}, Small: map[string]int8{},
		Items: map[string]item{}, Lists: map[string][]string{}, Nested: map[string]map[string]int{},
		Names: map[name]string{}, Numbers: map[int]string{}, Pairs: map[any]int{}, Texts: map[string]text{},
	}
	inner := map[string]int{}
	u.Any = []any{map[string]int{"b": 1, "a": 2, "long": 3}, inner}
	for i := range 20 {
		n := (i*7 + turn) % 20
		key := fmt.Sprint("key", n*n)
		u.Ints[key], u.Counts[key], u.Small[key], inner[key] = n, int64(n), int8(n), n
		u.Items[key], u.Lists[key] = item{key, n}, []string{key}
		u.Nested[key] = map[string]int{"x": n, "y": 1, "z": 2}
		u.Names[name(key)], u.Numbers[n*100], u.Pairs[key], u.Texts[key] = key, key, n, text{key}
	}
	return u
}

// TestEqualStatesGiveEqualBytes rebuilds the maps for every encoding, because
// the order of a map changes with how it was filled as well as with the loop.
func TestEqualStatesGiveEqualBytes(t *testing.T) {
	all := codecs[unordered]()
	for _, name := range []string{"MsgPack", "Compress(MsgPack)", "Compress(Migrate(MsgPack))"} {
		t.Run(name, func(t *testing.T) {
			equal := true
			var before []byte
			for turn := range 100 {
				v := newUnordered(turn)
				data, err := all[name].Append(nil, &v)
				if err != nil {
					t.Fatal(err)
				}
				equal = equal && (before == nil || bytes.Equal(before, data))
				before = data
			}
			if !equal {
				t.Error("100 encodings are not all equal")
			}
		})
	}
	for name, want := range map[string]bool{"JSON": true, "Gob": false} { // Gob orders none
		c := codecs[map[string]int]()[name]
		before, equal := mustAppend(t, c, newUnordered(0).Ints), true
		for turn := range 100 {
			equal = equal && bytes.Equal(before, mustAppend(t, c, newUnordered(turn).Ints))
		}
		if equal != want {
			t.Errorf("%s: 100 encodings equal: %v, want %v", name, equal, want)
		}
	}
}

// TestOrderOfMaps: strings go by what they say, not by their length first.
func TestOrderOfMaps(t *testing.T) {
	got := mustAppend(t, codec.MsgPack[map[string]int8](), map[string]int8{"b": 1, "aa": 2, "": 3, "a": 4})
	if want := "\x01\x84\xa0\x03\xa1a\x04\xa2aa\x02\xa1b\x01"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c := codec.MsgPack[unordered]()
	want := newUnordered(1)
	want.Any = nil // whose integers come back in other types
	if diff := cmp.Diff(want, mustDecode(t, c, mustAppend(t, c, want)), cmp.AllowUnexported(text{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkAppendMap(b *testing.B) {
	b.Run("string to int, 6 entries", benchmarkMap(map[string]int{"home": 1, "cart": 2, "help": 3, "news": 4, "team": 5, "jobs": 6}))
	b.Run("string to string, 6 entries", benchmarkMap(map[string]string{"home": "1", "cart": "2", "help": "3", "news": "4", "team": "5", "jobs": "6"}))
	b.Run("string to struct, 6 entries", benchmarkMap(map[string]item{"home": {}, "cart": {}, "help": {}, "news": {}, "team": {}, "jobs": {}}))
	large := make(map[string]int)
	for i := range 100 {
		large[fmt.Sprint("key", i)] = i
	}
	b.Run("string to int, 100 entries", benchmarkMap(large))
}

func benchmarkMap[T any](v T) func(*testing.B) {
	return func(b *testing.B) {
		c := codec.MsgPack[T]()
		dst := make([]byte, 0, 4096)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Append(dst, &v); err != nil {
				b.Fatal(err)
			}
		}
	}
}
