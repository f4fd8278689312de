package codec_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/codec"
)

// vectorCount is how many vectors there are. They are only ever added to: each
// is a record that some program may have in its store.
const vectorCount = 29

// vectorState and vectorOld are what the vectors hold. Fields may be added.
type (
	vectorState struct {
		UserID   string
		Name     string
		Roles    []string
		Cart     []vectorItem
		LastSeen time.Time
		Counter  int
		Ratio    float64
		Bytes    []byte
		Flags    map[string]bool
		Labels   map[string]string
		Prefs    map[string]any
		Visits   map[string]int
		Next     *vectorItem
	}
	vectorItem struct {
		SKU string
		Qty int64
	}
	vectorOld struct{ FullName string }
)

// vectorCodecs are the codecs that the vectors name.
func vectorCodecs() map[string]codec.Codec[vectorState] {
	msgpack := codec.MsgPack[vectorState]()
	compress := codec.Compress(msgpack, 10_000)
	fromOld := func(v vectorOld) (vectorState, error) { return vectorState{Name: v.FullName}, nil }
	same := func(v vectorState) (vectorState, error) { v.Counter++; return v, nil }
	second := codec.Migrate(codec.MsgPack[vectorOld](), fromOld, msgpack)
	return map[string]codec.Codec[vectorState]{
		"MsgPack":  msgpack,
		"JSON":     codec.JSON[vectorState](),
		"Gob":      codec.Gob[vectorState](),
		"Compress": compress,
		"Migrate":  codec.Migrate(second, same, compress),
	}
}

// vector is one file of testdata/vectors: lines of a key, a colon and a value.
// Lines that begin with # say what the vector is for.
type vector struct {
	name  string
	codec string
	data  []byte
	state string // the decoded state as JSON, or
	error string // a part of the error
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != vectorCount {
		t.Fatalf("%d vectors, want %d", len(files), vectorCount)
	}
	var all []vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := vector{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch {
			case strings.HasPrefix(line, "#"):
			case key == "codec":
				v.codec = value
			case key == "data":
				if v.data, err = hex.DecodeString(strings.ReplaceAll(value, " ", "")); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
			case key == "state":
				v.state = value
			case key == "error":
				v.error = value
			default:
				t.Fatalf("%s: unknown line %q", file, line)
			}
		}
		if v.codec == "" || len(v.data) == 0 || (v.state == "") == (v.error == "") {
			t.Fatalf("%s is not complete", file)
		}
		all = append(all, v)
	}
	return all
}

func TestVectors(t *testing.T) {
	codecs := vectorCodecs()
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			c, ok := codecs[v.codec]
			if !ok {
				t.Fatalf("no codec %q", v.codec)
			}
			var got vectorState
			err := c.Decode(v.data, &got)
			if v.error != "" {
				wantError(t, err, "codec: ", v.error)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var want vectorState
			if err := json.Unmarshal([]byte(v.state), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded state differs (-want +got):\n%s", diff)
			}
		})
	}
}
