package seal_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/seal"
)

// vectorCount is how many files there are in testdata/vectors. It only grows:
// a value that was once sealed must open for ever.
const vectorCount = 12

type vector struct {
	name, kind, purpose  string
	keys                 [][seal.KeySize]byte
	stale                bool
	ad, plaintext, value []byte
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != vectorCount {
		t.Fatalf("testdata/vectors holds %d files, want %d", len(files), vectorCount)
	}
	vectors := make([]vector, len(files))
	for i, file := range files {
		vectors[i] = readVector(t, file)
	}
	return vectors
}

func readVector(t testing.TB, file string) vector {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fields := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			fields[name] = strings.TrimSpace(value)
		}
	}
	v := vector{
		name:      filepath.Base(file),
		kind:      fields["kind"],
		purpose:   string(unhex(t, fields["purpose"])),
		stale:     fields["stale"] == "true",
		ad:        unhex(t, fields["ad"]),
		plaintext: unhex(t, fields["plaintext"]),
		value:     unhex(t, fields["value"]),
	}
	for _, key := range strings.Fields(fields["keys"]) {
		v.keys = append(v.keys, [seal.KeySize]byte(unhex(t, key)))
	}
	return v
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		b := kinds[v.kind](newRing(t, v.keys...), v.purpose)
		got, stale, err := b.Open(nil, v.value, v.ad)
		if string(got) != string(v.plaintext) || stale != v.stale || err != nil {
			t.Errorf("%s opened as %x, stale %v, %v, want %x, stale %v",
				v.name, got, stale, err, v.plaintext, v.stale)
		}
	}
}

// FuzzOpen opens arbitrary bytes with every kind and purpose of the vectors.
// What opens must be a vector: nothing else was ever sealed.
func FuzzOpen(f *testing.F) {
	type opener struct{ kind, purpose string }
	var (
		keys    [][seal.KeySize]byte
		hasKey  = make(map[[seal.KeySize]byte]bool)
		known   = make(map[opener]map[string]string)
		openers = make(map[opener]box)
	)
	name := func(value, ad []byte) string { return hex.EncodeToString(value) + " " + hex.EncodeToString(ad) }
	for _, v := range readVectors(f) {
		for _, key := range v.keys {
			if !hasKey[key] {
				hasKey[key] = true
				keys = append(keys, key)
			}
		}
		o := opener{v.kind, v.purpose}
		if known[o] == nil {
			known[o] = make(map[string]string)
		}
		known[o][name(v.value, v.ad)] = string(v.plaintext)
		f.Add(v.value, v.ad)
	}
	ring := newRing(f, keys...)
	for o := range known {
		openers[o] = kinds[o.kind](ring, o.purpose)
	}
	f.Fuzz(func(t *testing.T, value, ad []byte) {
		for o, b := range openers {
			want, genuine := known[o][name(value, ad)]
			if !genuine {
				mustFail(t, b, value, ad, o.kind+" "+o.purpose)
				continue
			}
			got, _, err := b.Open([]byte("dst"), value, ad)
			if string(got) != "dst"+want || err != nil {
				t.Errorf("%s %q: %x opened as %q, %v", o.kind, o.purpose, value, got, err)
			}
		}
	})
}
