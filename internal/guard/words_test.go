package guard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hiding matches words that hide what acts, or that few readers know. Name the
// request, the caller, the store, another process, an attacker; say "again" or
// "in the same way".
var hiding = regexp.MustCompile(`(?i)\b(somebody|whoever|nobody|meanwhile|anew|likewise|led nowhere|strike off)\b`)

// named removes names that others have chosen: of a variable, and of an account.
var named = strings.NewReplacer("http.NoBody", "", `"nobody"`, "")

// TestWords reads the documents and the code, tests left out.
func TestWords(t *testing.T) {
	for _, path := range slices.Concat(files(t, ".go"), files(t, ".md")) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		for i, line := range strings.Split(string(text), "\n") {
			if word := hiding.FindString(named.Replace(line)); word != "" {
				t.Errorf("%s:%d says %q", name, i+1, word)
			}
		}
	}
}
