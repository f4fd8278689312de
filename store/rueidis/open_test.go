package rueidis_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store/rueidis"
)

// wantOpenError opens a store that cannot be opened, and returns the error. It
// must come within Open's time limit, and not have the password in it, nor a
// piece of it.
func wantOpenError(t *testing.T, url string, opts rueidis.Options, password string) error {
	t.Helper()
	began := time.Now()
	st, err := rueidis.Open(t.Context(), url, opts)
	if err == nil {
		closeStore(t, st)
		t.Fatal("Open succeeded")
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("Open took %v", took)
	}
	for _, piece := range strings.FieldsFunc(password, func(r rune) bool { return strings.ContainsRune("/@#?:%", r) }) {
		if strings.Contains(err.Error(), piece) {
			t.Errorf("error %q has %q of the password in it", err, piece)
		}
	}
	return err
}

func TestOpenURL(t *testing.T) {
	tests := []struct {
		name     string
		url      string
		password string
		want     string // in the error
	}{
		{"empty", "", "", "scheme"},
		{"no URL", "localhost:6379", "", "scheme"},
		{"another scheme", "http://localhost:6379", "", `"http"`},
		{"not parsed", "redis://user:hunter%zz2@localhost", "hunter%zz2", "cannot be parsed"},
		{"a line break", "redis://user:hunter2\n@localhost", "hunter2", "cannot be parsed"},
		{"a slash in the password", "redis://user:hunter/two@localhost", "hunter/two", "percent-encoded"},
		{"a slash behind digits", "redis://user:4711/two@localhost", "4711/two", "percent-encoded"},
		{"a question mark in the password", "redis://user:4711?two@localhost", "4711?two", "percent-encoded"},
		{"a number sign in the password", "redis://user:4711#two@localhost", "4711#two", "percent-encoded"},
		{"a slash in the password of a socket", "unix://user:4711/two@/run/redis.sock", "4711/two", "percent-encoded"},
		{"a socket with two slashes", "unix://run/redis.sock", "", "no host"},
		{"a password in the database's place", "redis://localhost/hunter2", "hunter2", "database number"},
		{"a password in the path", "redis://localhost/hunter2/two", "hunter2/two", "path"},
		{"a database that is none", "redis://localhost?db=hunter2", "hunter2", "database number"},
		{"a timeout that is none", "redis://localhost?write_timeout=hunter2", "hunter2", "write timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := wantOpenError(t, test.url, rueidis.Options{}, test.password)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
		})
	}
}

// TestOpenNoServer points Open at what is no Redis.
func TestOpenNoServer(t *testing.T) {
	tests := []struct {
		name  string
		serve func(net.Conn)
		opts  rueidis.Options
		want  string
	}{
		{"no process listens", nil, rueidis.Options{}, "connection refused"},
		{"it hangs up", func(conn net.Conn) {}, rueidis.Options{}, ""}, // EOF or a reset
		{"it never answers", swallow, rueidis.Options{}, "deadline exceeded"},
		{"it speaks HTTP", func(conn net.Conn) {
			fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			swallow(conn)
		}, rueidis.Options{}, "unknown message type"},
		{"it repeats what it is told", echo, rueidis.Options{}, ""},
		{"it is too old to run a script", tooOld, rueidis.Options{}, "unknown command"},
		{"it is too old to tell of changes", tooOld, rueidis.Options{ClientCacheTTL: time.Second}, "client-side caching"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := wantOpenError(t, "redis://"+serve(t, test.serve), test.opts, "")
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			t.Log(err)
		})
	}
}

// serve answers connections to a free port until the test ends, or, without
// handle, closes the port.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(l) })
	if handle == nil {
		shut(l)
		return l.Addr().String()
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer shut(conn)
				handle(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func shut(c io.Closer) { c.Close() }

func swallow(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// tooOld speaks the protocol, but knows no command.
func tooOld(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		var words int
		if _, err := fmt.Sscanf(line, "*%d", &words); err != nil {
			return
		}
		var command string
		for i := range 2 * words { // its length, then the word
			word, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if i == 1 {
				command = strings.TrimSpace(word)
			}
		}
		fmt.Fprintf(conn, "-ERR unknown command `%s`\r\n", command)
	}
}
