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

// Main runs a package's tests. Where no server program is installed it says so
// in one line, and fails if RequireServers is set.
func Main(m *testing.M) {
	if len(Programs()) == 0 {
		const missing = "neither redis-server nor valkey-server is on PATH"
		if os.Getenv(RequireServers) == "1" {
			fmt.Fprintf(os.Stderr, "%s, and %s=1 asks for one\n", missing, RequireServers)
			os.Exit(1)
		}
		fmt.Fprintf(os.Stderr, "%s: the tests that need one are skipped\n", missing)
	}
	os.Exit(m.Run())
}

// Each runs test once for each server program, as a subtest of its name.
func Each(t *testing.T, test func(t *testing.T, p Program)) {
	t.Helper()
	programs := Programs()
	if len(programs) == 0 {
		t.Skip("no server program on PATH") // Main has said more, once
	}
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) { test(t, p) })
	}
}

// Start starts a server of the first program there is, for a test that one
// server is enough for. Without a program it skips the test, or fails it if
// RequireServers is set.
func Start(t testing.TB) *Server {
	t.Helper()
	programs := Programs()
	if len(programs) == 0 {
		if os.Getenv(RequireServers) == "1" {
			t.Fatalf("no server program on PATH, and %s=1 asks for one", RequireServers)
		}
		t.Skip("no server program on PATH")
	}
	return programs[0].Start(t)
}
