package guard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// requirements is how many docs/SECURITY.md answers.
const requirements = 54

var (
	numbered  = regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`)
	codeLink  = regexp.MustCompile(`\]\(([^()\s]+\.go)\)`)
	proofLink = regexp.MustCompile("\\[`((?:Test|Fuzz|Example)\\w*)`\\]\\(([^()\\s]+)\\)")
)

// TestSecurityIsProven reads docs/SECURITY.md. Every requirement is answered, in
// order, by a file of the library or as the application's part; and each test
// that is named as a proof is in the file that the link leads to.
func TestSecurityIsProven(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	text, err := os.ReadFile(filepath.Join(docs, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := numbered.FindAllStringSubmatch(string(text), -1)
	if len(lines) != requirements {
		t.Errorf("%d requirements are answered, want %d", len(lines), requirements)
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

	proofs := proofLink.FindAllStringSubmatch(string(text), -1)
	for _, proof := range proofs {
		name, file := proof[1], proof[2]
		source, err := os.ReadFile(filepath.Join(docs, file))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(source), "\nfunc "+name+"(") || !strings.HasSuffix(file, "_test.go") {
			t.Errorf("there is no %s in %s", name, file)
		}
	}
	if len(proofs) < 80 {
		t.Errorf("only %d proofs are named", len(proofs))
	}
}
