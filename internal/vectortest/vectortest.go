// Package vectortest reads the test vectors of wire formats. The files are what an
// earlier version has written. They are never changed, only added to: what one
// version has written, every later one reads.
package vectortest

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Read returns the "name: value" lines of each file testdata/vectors/*.txt, and
// fails if there are fewer files than there have been.
func Read(t testing.TB, atLeast int) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "vectors", "*.txt"))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%d vectors, want at least %d: %v", len(files), atLeast, err)
	}
	all := map[string]map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && line[0] != '#' {
				fields[name] = value
			}
		}
		all[filepath.Base(file)] = fields
	}
	return all
}

// Unhex decodes hexadecimal text.
func Unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
