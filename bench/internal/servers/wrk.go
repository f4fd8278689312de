package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Load is what wrk has measured.
type Load struct {
	Rate     float64 // requests a second
	P50, P99 time.Duration
}

// script sends the requests of a file in turn, so that connections do not all
// present one session.
const script = `local requests = {}
init = function()
  for line in io.lines(os.getenv("BENCH_COOKIES")) do
    requests[#requests + 1] = wrk.format("GET", os.getenv("BENCH_PATH"), {["Cookie"] = line})
  end
end
local i = 0
request = function()
  i = i % #requests + 1
  return requests[i]
end
`

// Wrk lets wrk send requests for a path for a while, over keep-alive
// connections, with the given cookies in turn, one of which may be empty.
func Wrk(ctx context.Context, url, path string, cookies []string, connections int, d time.Duration) (Load, error) {
	program, err := exec.LookPath("wrk")
	if err != nil {
		return Load{}, fmt.Errorf("wrk: %w", ErrNotInstalled)
	}
	dir, err := os.MkdirTemp("", "bench-wrk-")
	if err != nil {
		return Load{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	lua, list := filepath.Join(dir, "cookies.lua"), filepath.Join(dir, "cookies")
	var lines strings.Builder
	for _, cookie := range cookies {
		fmt.Fprintln(&lines, cookie)
	}
	if err := errors.Join(os.WriteFile(lua, []byte(script), 0o600), os.WriteFile(list, []byte(lines.String()), 0o600)); err != nil {
		return Load{}, err
	}
	cmd := exec.CommandContext(ctx, program, "-t1", "-c"+strconv.Itoa(connections), "-d"+d.String(),
		"--latency", "-s", lua, url)
	cmd.Env = append(os.Environ(), "BENCH_COOKIES="+list, "BENCH_PATH="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Load{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return parseWrk(string(out))
}

var (
	rateLine = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	p50Line  = regexp.MustCompile(`(?m)^\s+50%\s+(\S+)`)
	p99Line  = regexp.MustCompile(`(?m)^\s+99%\s+(\S+)`)
	badLine  = regexp.MustCompile(`Non-2xx or 3xx responses: .*|Socket errors: .*`)
)

func parseWrk(out string) (Load, error) {
	if bad := badLine.FindString(out); bad != "" {
		return Load{}, fmt.Errorf("wrk: %s", bad)
	}
	var load Load
	var errs [3]error
	load.Rate, errs[0] = strconv.ParseFloat(submatch(rateLine, out), 64)
	load.P50, errs[1] = time.ParseDuration(submatch(p50Line, out))
	load.P99, errs[2] = time.ParseDuration(submatch(p99Line, out))
	if err := errors.Join(errs[:]...); err != nil {
		return Load{}, fmt.Errorf("wrk: %w in its output:\n%s", err, out)
	}
	return load, nil
}

func submatch(re *regexp.Regexp, s string) string {
	if m := re.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}
