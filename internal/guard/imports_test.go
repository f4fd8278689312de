// Package guard_test holds what production packages may link.
package guard_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/typedsession/typedsession"

// testCode is what only tests may link, besides this module's own packages for
// tests. It brings flags and globals into the program that links it.
var testCode = []string{"testing", "net/http/httptest", "github.com/google/go-cmp"}

// TestProductionPackagesLinkNoTestCode spares users' programs the test
// frameworks. A package whose name ends in "test", as in httptest, is for tests,
// and so is internal/vectors.
func TestProductionPackagesLinkNoTestCode(t *testing.T) {
	for pkg, deps := range dependencies(t) {
		if strings.HasSuffix(pkg, "test") || pkg == module+"/internal/vectors" {
			continue
		}
		for _, dep := range deps {
			ownTestCode := within(dep, module) && strings.HasSuffix(dep, "test") || dep == module+"/internal/vectors"
			if ownTestCode || withinAny(dep, testCode) {
				t.Errorf("%s links %s", pkg, dep)
			}
		}
	}
}

// TestDependenciesPointOneWay holds the layers of the library: a user of the
// memory store does not link a Redis client, and what handles keys knows
// nothing of HTTP.
func TestDependenciesPointOneWay(t *testing.T) {
	all := dependencies(t)
	for _, layer := range []struct {
		pkg    string
		denied []string
	}{
		{"codec", []string{"net/http", module}},
		{"internal/seal", []string{"net/http", module}},
		{"internal/deadline", []string{"net/http", module}},
		{"session", []string{"github.com/redis", module + "/store/memory", module + "/store/cookie", module + "/store/rueidis"}},
		{"store", []string{"net/http", module}},
		{"store/memory", []string{"github.com/redis", "net/http", module + "/session"}},
		{"store/cookie", []string{"github.com/redis", "net/http", module + "/session"}},
		{"store/rueidis", []string{module + "/session", module + "/store/memory", module + "/store/cookie"}},
	} {
		deps, ok := all[module+"/"+layer.pkg]
		if !ok {
			t.Errorf("there is no package %s to guard", layer.pkg)
		}
		for _, dep := range deps {
			if withinAny(dep, layer.denied) {
				t.Errorf("%s links %s", layer.pkg, dep)
			}
		}
	}
}

// within reports whether a package is path or lies below it.
func within(pkg, path string) bool {
	return pkg == path || strings.HasPrefix(pkg, path+"/")
}

// withinAny reports whether a package is one of paths or lies below one.
func withinAny(pkg string, paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return within(pkg, path) })
}

// dependencies returns what each package of the module links, tests left out.
func dependencies(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list",
		"-f", "{{.ImportPath}} {{join .Deps \" \"}}", module+"/...")
	list.Stderr = t.Output()
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	all := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		pkg, deps, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[pkg] = strings.Fields(deps)
	}
	return all
}
