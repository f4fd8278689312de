// Package redistest starts real Redis and Valkey servers for tests: one alone,
// one behind TLS, a cluster, a replicated pair under a sentinel; and a proxy
// that breaks the network between them and a client. Everything listens on
// free loopback ports, keeps its files in the test's temporary directory, and
// ends with the test, or with the test binary if that is killed.
package redistest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// RequireServers is the environment variable that, set to 1, turns a machine
// without a server program from a reason to skip into a failure.
const RequireServers = "TYPEDSESSION_REQUIRE_SERVERS"

// Program is a server program found on PATH.
type Program struct {
	Name string // "redis" or "valkey"
	path string
}

// Programs returns the server programs on PATH, Redis first.
func Programs() []Program {
	var found []Program
	for _, name := range []string{"redis", "valkey"} {
		if path, err := exec.LookPath(name + "-server"); err == nil {
			found = append(found, Program{Name: name, path: path})
		}
	}
	return found
}

const missing = "neither redis-server nor valkey-server is on PATH"

// required reports whether a machine without a server program is a failure.
func required() bool { return os.Getenv(RequireServers) == "1" }

// Main runs a package's tests. Where no server program is installed it says so
// in one line, and fails if RequireServers is set.
func Main(m *testing.M) {
	if len(Programs()) == 0 {
		if required() {
			fmt.Fprintf(os.Stderr, "%s, and %s=1 asks for one\n", missing, RequireServers)
			os.Exit(1)
		}
		fmt.Fprintf(os.Stderr, "%s: the tests that need one are skipped\n", missing)
	}
	os.Exit(m.Run())
}

// need returns the server programs. Without one it skips the test, or fails it
// if RequireServers is set.
func need(t testing.TB) []Program {
	t.Helper()
	programs := Programs()
	switch {
	case len(programs) > 0:
	case required():
		t.Fatalf("%s, and %s=1 asks for one", missing, RequireServers)
	default:
		t.Skip(missing)
	}
	return programs
}

// Each runs test once for each server program, as a subtest of its name. Without
// a program it does as Start does.
func Each(t *testing.T, test func(t *testing.T, p Program)) {
	t.Helper()
	for _, p := range need(t) {
		t.Run(p.Name, func(t *testing.T) { test(t, p) })
	}
}

// Start starts a server of the first program there is, for a test that one
// server is enough for. Without a program it skips the test, or fails it if
// RequireServers is set.
func Start(t testing.TB) *Server {
	t.Helper()
	return need(t)[0].Start(t)
}
