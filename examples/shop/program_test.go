package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// programDir holds the program once a test has asked for it.
var programDir string

var buildProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return "", err
	}
	programDir = dir
	path := filepath.Join(dir, "shop")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// program is the shop as a process of its own.
type program struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer // not to be read before it has ended
	url    string
}

// startProgram starts the shop on a free port. It ends with the test.
func startProgram(t *testing.T, key string, args ...string) *program {
	t.Helper()
	path, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.CommandContext(t.Context(), path, append([]string{"-addr", "localhost:0"}, args...)...)}
	p.cmd.Env = append(os.Environ(), "SESSION_KEY="+key)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Wait() }) //nolint:errcheck // killed, or waited for already
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.cmd.Wait() //nolint:errcheck // what it said tells more
		t.Fatalf("the program said nothing but:\n%s", &p.stderr)
	}
	m := regexp.MustCompile(`^shop: listening on (http://localhost:[1-9][0-9]*)\n$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the first line is %q", line)
	}
	p.url = m[1]
	return p
}

// stop tells the program to end, and returns what it wrote to stderr.
func (p *program) stop(t *testing.T) string {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, &p.stderr)
	}
	return p.stderr.String()
}

// browser returns a browser in front of the program.
func (p *program) browser(t *testing.T, kind string) *browser {
	t.Helper()
	return newBrowser(t, kind, strings.Replace(p.url, "http", "https", 1), endsTLS{})
}

// at returns the same browser in front of another program. Cookies are kept by
// host, without a port.
func (b *browser) at(p *program) *browser {
	there := *b
	there.url = strings.Replace(p.url, "http", "https", 1)
	return &there
}

// endsTLS stands for the proxy in front of a program that speaks no TLS itself.
// A browser keeps a Secure cookie for localhost without one; Go's jar does since
// Go 1.26 only.
type endsTLS struct{}

func (endsTLS) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		return nil, errors.New("not over TLS")
	}
	req = req.Clone(req.Context())
	req.URL.Scheme = "http"
	return http.DefaultTransport.RoundTrip(req)
}
