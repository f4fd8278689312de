package guard_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// packageMap is what CONTRIBUTING.md says about the packages of this module.
type packageMap struct {
	described []string // packages of the first table
	tests     []string // packages of the second table, which only tests import
	arrows    []string // lines of the diagram
}

var (
	arrow   = regexp.MustCompile(`(?m)^    (\S+ --> \S+)$`)
	diagram = regexp.MustCompile("(?s)```mermaid\n(.*?)```")
	row     = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .+ \\|$")
)

func readMap(t *testing.T) packageMap {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	var m packageMap
	drawn := diagram.FindSubmatch(text)
	first, second, ok := strings.Cut(string(text), "\nOnly tests import these")
	if drawn == nil || !ok {
		t.Fatal("CONTRIBUTING.md has no diagram, or no table of the packages for tests")
	}
	for _, line := range arrow.FindAllSubmatch(drawn[1], -1) {
		m.arrows = append(m.arrows, string(line[1]))
	}
	for _, line := range row.FindAllStringSubmatch(first, -1) {
		m.described = append(m.described, line[1])
	}
	for _, line := range row.FindAllStringSubmatch(second, -1) {
		m.tests = append(m.tests, line[1])
	}
	return m
}

// TestEveryPackageIsOnTheMap compares the tables of CONTRIBUTING.md with the
// packages of this module.
func TestEveryPackageIsOnTheMap(t *testing.T) {
	m := readMap(t)
	var want []string
	for _, p := range list(t) {
		want = append(want, p.name)
	}
	got := slices.Concat(m.described, m.tests)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages (-go list +CONTRIBUTING.md):\n%s", diff)
	}
}

// TestDiagramIsTrue compares the diagram of CONTRIBUTING.md with the imports.
func TestDiagramIsTrue(t *testing.T) {
	m := readMap(t)
	var want []string
	for _, p := range list(t) {
		if slices.Contains(m.tests, p.name) {
			continue
		}
		for _, imported := range p.imports {
			if name, ok := strings.CutPrefix(imported, module+"/"); ok {
				want = append(want, p.name+" --> "+name)
			}
		}
	}
	got := slices.Clone(m.arrows)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports (-go list +CONTRIBUTING.md):\n%s", diff)
	}
}

// TestArrowsPointDown holds what a new arrow must not do, even if it is drawn.
func TestArrowsPointDown(t *testing.T) {
	for _, drawn := range readMap(t).arrows {
		from, to, _ := strings.Cut(drawn, " --> ")
		switch {
		case to == "session" && !within(from, "session"):
			t.Errorf("%s: session is the top", drawn)
		case within(from, "store") && to != "store":
			t.Errorf("%s: a store imports the contract only", drawn)
		case (from == "codec" || from == "store") && within(to, "session"):
			t.Errorf("%s: an application's codec or store would link session", drawn)
		case within(from, "internal") && to == "codec":
			t.Errorf("%s: only session knows states", drawn)
		case within(to, "store") && to != "store":
			t.Errorf("%s: every user would link that store", drawn)
		}
	}
}

// TestEveryInternalPackageIsUsed finds internal packages that are left over.
func TestEveryInternalPackageIsUsed(t *testing.T) {
	m := readMap(t)
	for _, name := range m.described {
		used := slices.ContainsFunc(m.arrows, func(drawn string) bool {
			return strings.HasSuffix(drawn, " --> "+name)
		})
		if within(name, "internal") && !used {
			t.Errorf("no package imports %s", name)
		}
	}
}
