package guard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the module.
var root = filepath.Join("..", "..")

// documents returns the texts of the Markdown files of all modules, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, path := range files(t, ".md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	return texts
}

// files returns the paths of all files of that extension, in all modules.
// Folders of test data hold what other tests read.
func files(t *testing.T, extension string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (name == "testdata" || name == "node_modules" || name == "build" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case !entry.IsDir() && filepath.Ext(name) == extension:
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("there is no %s file", extension)
	}
	return paths
}

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// TestLinksLeadSomewhere follows the relative links of the documents: a
// guarantee whose test was renamed would be a claim without proof.
func TestLinksLeadSomewhere(t *testing.T) {
	followed := 0
	for document, text := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(match[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			followed++
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), target)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", document, target)
			}
		}
	}
	if followed == 0 {
		t.Error("there is no link")
	}
}
