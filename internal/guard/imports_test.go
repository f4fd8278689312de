// Package guard_test holds what production packages may link, and what the
// documents claim.
package guard_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/typedsession/typedsession"

// pkg is a package of this module.
type pkg struct {
	name    string   // without the module's path
	imports []string // by the package itself, tests left out
	deps    []string // all that it links
}

// list returns the packages of this module.
func list(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list",
		"-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`, module+"/...")
	list.Stderr = t.Output()
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	var packages []pkg
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		packages = append(packages, pkg{
			name:    strings.TrimPrefix(fields[0], module+"/"),
			imports: strings.Fields(fields[1]),
			deps:    strings.Fields(fields[2]),
		})
	}
	return packages
}

// within reports whether a package is path or lies below it.
func within(pkg, path string) bool {
	return pkg == path || strings.HasPrefix(pkg, path+"/")
}

// withinAny reports whether a package is one of paths or lies below one.
func withinAny(pkg string, paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return within(pkg, path) })
}

// testCode is what only tests may link, besides this module's own packages for
// tests. It brings flags and globals into the program that links it.
var testCode = []string{"testing", "net/http/httptest", "github.com/google/go-cmp"}

// TestProductionPackagesLinkNoTestCode spares users' programs the test
// frameworks.
func TestProductionPackagesLinkNoTestCode(t *testing.T) {
	m := readMap(t)
	denied := slices.Clone(testCode)
	for _, name := range m.tests {
		denied = append(denied, module+"/"+name)
	}
	for _, p := range list(t) {
		if slices.Contains(m.tests, p.name) {
			continue
		}
		for _, dep := range p.deps {
			if withinAny(dep, denied) {
				t.Errorf("%s links %s", p.name, dep)
			}
		}
	}
}

// TestPackagesLinkWhatTheyNeed names the packages from outside this module, and
// the large ones of the standard library, that each package may link. A user of
// the memory store links no Redis client, and what handles keys knows no HTTP.
func TestPackagesLinkWhatTheyNeed(t *testing.T) {
	const (
		msgpack = "github.com/vmihailenco"
		rueidis = "github.com/redis/rueidis"
		http    = "net/http"
		sql     = "database/sql"
	)
	watched := []string{msgpack, rueidis, http, sql}
	allowed := map[string][]string{
		"codec":                 {msgpack},
		"session":               {msgpack, http},
		"session/migrate":       {msgpack, http},
		"internal/commitwriter": {http},
		"internal/engine":       {http},
		"internal/transport":    {http},
		"store/rueidis":         {rueidis, "golang.org/x/sys"},
		"store/sqlstore":        {sql},
	}
	tests := readMap(t).tests
	for _, p := range list(t) {
		if slices.Contains(tests, p.name) {
			continue
		}
		for _, dep := range p.deps {
			foreign := strings.Contains(strings.Split(dep, "/")[0], ".") && !within(dep, module)
			if !foreign && !withinAny(dep, watched) || withinAny(dep, allowed[p.name]) {
				continue
			}
			t.Errorf("%s links %s", p.name, dep)
		}
	}
}
