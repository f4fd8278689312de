package codec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/codec"
)

// Three versions of a state, no two of which can read each other.
type (
	stateV1 struct{ Name string }
	stateV2 struct{ Name []string }
	stateV3 struct{ Name map[string]string }
)

var errNoName = errors.New("no name")

func toV2(v stateV1) (stateV2, error) {
	switch v.Name {
	case "":
		return stateV2{}, errNoName
	case "boom":
		panic("boom")
	}
	return stateV2{strings.Fields(v.Name)}, nil
}

func toV3(v stateV2) (stateV3, error) {
	return stateV3{map[string]string{"first": v.Name[0], "last": v.Name[len(v.Name)-1]}}, nil
}

func TestMigrateChain(t *testing.T) {
	v1 := codec.MsgPack[stateV1]()
	v2 := codec.Migrate(v1, toV2, codec.MsgPack[stateV2]())
	v3 := codec.Migrate(v2, toV3, codec.JSON[stateV3]())

	first := mustAppend(t, v1, stateV1{"Ada Lovelace"})
	second := mustAppend(t, v2, stateV2{[]string{"Ada", "King", "Lovelace"}})
	want := stateV3{map[string]string{"first": "Ada", "last": "Lovelace"}}
	third := mustAppend(t, v3, want)
	if got, want := string(second[:3]), "\x04\x02\x01"; got != want {
		t.Errorf("version 2 begins with %q, want %q", got, want)
	}
	if got, want := string(third[:3]), "\x04\x03\x02"; got != want {
		t.Errorf("version 3 begins with %q, want %q", got, want)
	}
	for version, data := range map[string][]byte{"1": first, "2": second, "3": third} {
		if diff := cmp.Diff(want, mustDecode(t, v3, data)); diff != "" {
			t.Errorf("version %s (-want +got):\n%s", version, diff)
		}
	}

	t.Run("the program is rolled back", func(t *testing.T) {
		var old1 stateV1
		var old2 stateV2
		wantError(t, v1.Decode(second, &old1), "migrated (format 4)", "MessagePack (format 1)")
		wantError(t, v2.Decode(third, &old2), "state of version 3", "only up to 2")
		if diff := cmp.Diff(stateV2{[]string{"Ada", "Lovelace"}}, mustDecode(t, v2, first)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("corrupt", func(t *testing.T) {
		for want, data := range map[string]string{
			"no data":                        "",
			"without a version":              "\x04",
			"version 0, which is never":      "\x04\x00\x01\x80",
			"version 1, which is never":      "\x04\x01\x01\x80",
			"version 255":                    "\x04\xff\x01\x80",
			"state of version 3: codec: no":  "\x04\x03",
			"state of version 2: codec: no":  "\x04\x02",
			"state of version 2: codec: Msg": "\x04\x02\x01\xc1",
			"is JSON (format 2)":             "\x02{}",
			"JSON (format 2), want Message":  "\x04\x02\x02{}",
		} {
			var v stateV3
			wantError(t, v3.Decode([]byte(data), &v), "codec: ", want)
		}
	})
	t.Run("convert refuses", func(t *testing.T) {
		var v stateV3
		err := v3.Decode(mustAppend(t, v1, stateV1{""}), &v)
		wantError(t, err, "converting a state to version 2", "(*errors.errorString)")
		if !errors.Is(err, errNoName) {
			t.Error("the error of convert is not wrapped")
		}
	})
	t.Run("convert panics", func(t *testing.T) {
		var v stateV3
		wantError(t, v3.Decode(mustAppend(t, v1, stateV1{"boom"}), &v), "converting a state to version 2", "panic of type string")
		wantError(t, v3.Decode(mustAppend(t, v2, stateV2{}), &v), "converting a state to version 3", "panic: ", "out of range")
	})
}

// TestMigrateAndCompress reads, with each way to combine the two, what was
// written at each earlier stage of the same program.
func TestMigrateAndCompress(t *testing.T) {
	v1, v2, v3 := codec.MsgPack[stateV1](), codec.MsgPack[stateV2](), codec.MsgPack[stateV3]()
	name := strings.Repeat("Ada ", 200) + "Lovelace"
	old := stateV1{name}
	middle := stateV2{strings.Fields(name)}
	want := stateV3{map[string]string{"first": "Ada", "last": "Lovelace"}}

	firsts := map[string][]byte{
		"plain":      mustAppend(t, v1, old),
		"compressed": mustAppend(t, codec.Compress(v1, 0), old),
	}
	inside := codec.Migrate(codec.Compress(v1, 0), toV2, codec.Compress(v2, 0))
	around := codec.Compress(codec.Migrate(codec.Compress(v1, 0), toV2, v2), 0)
	seconds := map[string]codec.Codec[stateV2]{"inside": inside, "around": around}
	for name, second := range seconds {
		thirds := map[string]codec.Codec[stateV3]{
			"inside": codec.Migrate(second, toV3, codec.Compress(v3, 0)),
			"around": codec.Compress(codec.Migrate(second, toV3, v3), 0),
			"within": codec.Migrate(codec.Compress(second, 0), toV3, v3),
		}
		for how, third := range thirds {
			for what, data := range firsts {
				if diff := cmp.Diff(want, mustDecode(t, third, data)); diff != "" {
					t.Errorf("%s, then %s, of %s (-want +got):\n%s", name, how, what, diff)
				}
			}
			for what, data := range map[string][]byte{
				"the first of its kind": mustAppend(t, second, middle),
				"a small one":           mustAppend(t, second, stateV2{[]string{"Ada", "Lovelace"}}),
				"an uncompressed one":   mustAppend(t, codec.Migrate(v1, toV2, v2), middle),
			} {
				if diff := cmp.Diff(want, mustDecode(t, third, data)); diff != "" {
					t.Errorf("%s, then %s, of %s (-want +got):\n%s", name, how, what, diff)
				}
			}
			data := mustAppend(t, third, want)
			if data[0] != 4 || data[1] != 3 {
				t.Errorf("%s, then %s: a small state begins with %x, want version 3", name, how, data[:2])
			}
		}
	}
}

func TestMigratePanicsOnMisuse(t *testing.T) {
	v1, v2, v3 := codec.MsgPack[stateV1](), codec.MsgPack[stateV2](), codec.MsgPack[stateV3]()
	for name, f := range map[string]func(){
		"nil old":                func() { codec.Migrate(nil, toV2, v2) },
		"nil new":                func() { codec.Migrate(v1, toV2, nil) },
		"nil convert":            func() { codec.Migrate(v1, nil, v2) },
		"chain the other way":    func() { codec.Migrate(v1, toV2, codec.Migrate(v2, same, v2)) },
		"the same, compressed":   func() { codec.Migrate(v2, toV3, codec.Compress(codec.Migrate(v2, toV3, v3), 0)) },
		"more than 255 versions": func() { chainOf(256) },
	} {
		wantPanic(t, name, f)
	}
	data := mustAppend(t, chainOf(255), stateV2{})
	if got, want := data[1], byte(255); got != want {
		t.Errorf("the last version is %d, want %d", got, want)
	}
}

func same(v stateV2) (stateV2, error) { return v, nil }

func chainOf(versions int) codec.Codec[stateV2] {
	c := codec.MsgPack[stateV2]()
	for range versions - 1 {
		c = codec.Migrate(c, same, codec.MsgPack[stateV2]())
	}
	return c
}
