package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// machine is what the figures depend on.
type machine struct {
	cpu     string
	cores   int
	system  string
	goes    string
	modules []string // path and version of what is compared
	before  string   // load averages
	after   string
}

// compared are the modules whose versions a reader wants to know.
var compared = []string{
	"github.com/alexedwards/scs/v2", "github.com/alexedwards/scs/goredisstore",
	"github.com/gorilla/sessions", "github.com/gorilla/securecookie",
	"github.com/rbcervilla/redisstore/v9", "github.com/gofiber/fiber/v3",
	"github.com/gofiber/storage/redis/v3", "github.com/valyala/fasthttp",
	"github.com/redis/go-redis/v9", "github.com/redis/rueidis",
	"github.com/vmihailenco/msgpack/v5",
	"github.com/alexedwards/scs/pgxstore", "github.com/alexedwards/scs/postgresstore",
	"github.com/alexedwards/scs/mysqlstore", "github.com/alexedwards/scs/sqlite3store",
	"github.com/jackc/pgx/v5", "github.com/lib/pq", "github.com/go-sql-driver/mysql",
	"modernc.org/sqlite",
}

func newMachine() machine {
	m := machine{
		cpu: fileField("/proc/cpuinfo", "model name"), cores: runtime.NumCPU(),
		system: runtime.GOOS + "/" + runtime.GOARCH, goes: runtime.Version(), before: loadAverage(),
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.system += ", kernel " + strings.TrimSpace(string(kernel))
	}
	info, _ := debug.ReadBuildInfo()
	versions := make(map[string]string)
	for _, dep := range info.Deps {
		versions[dep.Path] = dep.Version
	}
	for _, path := range compared {
		m.modules = append(m.modules, fmt.Sprintf("%s %s", path, versions[path]))
	}
	return m
}

func (m *machine) finish() { m.after = loadAverage() }

// loadAverage returns the load over the last minute, or "unknown".
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

// availableMemory returns how many bytes a process can have, as far as is known.
func availableMemory() int64 {
	var kilobytes int64
	if _, err := fmt.Sscan(fileField("/proc/meminfo", "MemAvailable"), &kilobytes); err != nil {
		return math.MaxInt64
	}
	return kilobytes << 10
}

// fileField returns the value of the first line "name : value" of a file.
func fileField(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
