// Package sqltest starts real PostgreSQL and MariaDB servers for tests. They
// listen on free loopback ports, keep their data in directories of their own,
// and end with the test, or with the test binary if that is killed. The package
// imports no driver.
package sqltest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
)

// Program is a database server that is installed on this machine.
type Program struct {
	Name string // "PostgreSQL" or "MariaDB"
	dir  string // of its programs; "" if they are on PATH
}

// programs are how to find and start each server.
var programs = map[string]struct {
	server  string   // the program that says that the server is installed
	folders []string // patterns of folders beside PATH
	user    string   // an account that may run the server where the test is root
	create  func(s *Server) []string
	run     func(s *Server) []string
	ready   func(s *Server) []string
}{
	"PostgreSQL": {
		server:  "postgres",
		folders: []string{"/usr/lib/postgresql/*/bin"},
		user:    "postgres",
		create: func(s *Server) []string {
			return []string{"initdb", "-D", s.data(), "-U", "root", "--auth=trust", "-E", "UTF8", "--locale=C", "-N"}
		},
		// Without fsync the server's data outlives its process, though not the
		// machine, and tests need not wait for disks.
		run: func(s *Server) []string {
			return []string{
				"postgres", "-D", s.data(), "-p", s.port, "-k", s.dir,
				"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200",
			}
		},
		ready: func(s *Server) []string {
			return []string{"pg_isready", "-q", "-h", "127.0.0.1", "-p", s.port, "-d", "postgres", "-U", "root"}
		},
	},
	"MariaDB": {
		server:  "mariadbd",
		folders: []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec"},
		user:    "mysql",
		create: func(s *Server) []string {
			return []string{
				"mariadb-install-db", "--no-defaults", "--datadir=" + s.data(),
				"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
			}
		},
		run: func(s *Server) []string {
			return []string{
				"mariadbd", "--no-defaults", "--datadir=" + s.data(), "--port=" + s.port,
				"--bind-address=127.0.0.1", "--socket=" + filepath.Join(s.dir, "s"), "--tmpdir=" + s.dir,
				"--pid-file=" + filepath.Join(s.dir, "pid"), "--skip-name-resolve", "--max-connections=200",
				"--innodb-flush-log-at-trx-commit=2",
			}
		},
		ready: func(s *Server) []string {
			return []string{"mariadb-admin", "--no-defaults", "-h", "127.0.0.1", "-P", s.port, "-u", "root", "ping"}
		},
	},
}

// find returns the server of that name.
func find(name string) (Program, bool) {
	spec := programs[name]
	if path, err := exec.LookPath(spec.server); err == nil {
		return Program{name, filepath.Dir(path)}, true
	}
	for _, pattern := range spec.folders {
		found, _ := filepath.Glob(filepath.Join(pattern, spec.server)) // the pattern is valid
		if len(found) > 0 {
			return Program{name, filepath.Dir(slices.Max(found))}, true
		}
	}
	return Program{}, false
}

// need returns the server of that name. If it is not installed, need skips the
// test, or fails it if redistest.RequireServers is set.
func need(t testing.TB, name string) Program {
	t.Helper()
	p, ok := find(name)
	switch {
	case ok:
	case os.Getenv(redistest.RequireServers) == "1":
		t.Fatalf("%s is not installed, and %s=1 asks for it", name, redistest.RequireServers)
	default:
		t.Skipf("%s is not installed", name)
	}
	return p
}

// path returns a program of the server's installation.
func (p Program) path(name string) string {
	if path := filepath.Join(p.dir, name); isFile(path) {
		return path
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return name
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

var shared struct {
	mu      sync.Mutex
	servers map[string]*Server
}

// Shared returns a server that all tests of the binary use. It starts it at the
// first call. The package's TestMain must call [Main].
func Shared(t testing.TB, name string) *Server {
	t.Helper()
	p := need(t, name)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if s := shared.servers[name]; s != nil {
		return s
	}
	s, err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	if shared.servers == nil {
		shared.servers = make(map[string]*Server)
	}
	shared.servers[name] = s
	return s
}

// Start starts a server for one test, which may kill it.
func Start(t testing.TB, name string) *Server {
	t.Helper()
	s, err := need(t, name).start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Open starts a server for a program that is not a test, which must call
// [Server.Close]. Returns an error that wraps [exec.ErrNotFound] if the server is
// not installed.
func Open(name string) (*Server, error) {
	p, ok := find(name)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, exec.ErrNotFound)
	}
	return p.start()
}

// Main runs a package's tests and ends the shared servers.
func Main(m *testing.M) {
	code := m.Run()
	for _, s := range shared.servers {
		s.Close()
	}
	os.Exit(code)
}

// errorf adds what the server has printed to an error.
func (s *Server) errorf(format string, args ...any) error {
	return fmt.Errorf(format+"\n%s", append(args, s.out.String())...)
}
