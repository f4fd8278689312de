package guard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	numbered  = regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`)
	codeLink  = regexp.MustCompile(`\]\(([^()\s]+\.go)\)`)
	proofLink = regexp.MustCompile("\\[`((?:Test|Fuzz|Example)\\w*)`\\]\\(([^()\\s]+)\\)")
)

// TestRequirementsAreProven reads docs/REQUIREMENTS.md. Each requirement is met,
// in order, by a file of the library or by the application.
func TestRequirementsAreProven(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "REQUIREMENTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := numbered.FindAllStringSubmatch(string(text), -1)
	if len(lines) == 0 {
		t.Error("there is no requirement")
	}
	for i, line := range lines {
		number := line[1]
		if number != strconv.Itoa(i+1) {
			t.Errorf("requirement %s stands in place %d", number, i+1)
		}
		cells := strings.Split(line[2], " | ")
		if len(cells) != 4 {
			t.Errorf("requirement %s has %d cells, want source, requirement, answer and proof", number, len(cells))
			continue
		}
		answer, proof := cells[2], cells[3]
		answered := strings.Contains(answer, "the application's part")
		for _, link := range codeLink.FindAllStringSubmatch(answer, -1) {
			if strings.HasSuffix(link[1], "_test.go") {
				t.Errorf("requirement %s is met by a test: %s", number, link[1])
			}
			answered = true
		}
		if !answered {
			t.Errorf("requirement %s is neither met by a file nor the application's part", number)
		}
		if !proofLink.MatchString(proof) {
			t.Errorf("requirement %s has no proof", number)
		}
	}
}

// TestProofsExist reads the documents: each test that one of them links to is in
// the file that the link names.
func TestProofsExist(t *testing.T) {
	for document, text := range documents(t) {
		for _, proof := range proofLink.FindAllStringSubmatch(text, -1) {
			name, file := proof[1], filepath.Join(filepath.Dir(document), proof[2])
			source, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if !strings.Contains(string(source), "\nfunc "+name+"(") || !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s: there is no %s in %s", document, name, file)
			}
		}
	}
}
