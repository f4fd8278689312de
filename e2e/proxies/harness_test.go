package proxies_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // some tests provoke failures
	os.Exit(m.Run())
}

// program returns the path of a proxy. If it is not installed the test is skipped,
// or fails if TYPEDSESSION_REQUIRE_SERVERS is 1.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} { // which Debian keeps out of users' PATH
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	if os.Getenv(redistest.RequireServers) == "1" {
		t.Fatalf("%s is not installed, and %s=1 asks for it", name, redistest.RequireServers)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// folder returns a folder whose path is short enough for a socket.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "proxy") //nolint:usetesting // TempDir has the test's name in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // it is temporary
	return dir
}

// start starts a proxy that listens on a socket in its folder. It ends with the
// test.
func start(t *testing.T, socket, path string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var failed error // to be read when it has ended
	ended := make(chan struct{})
	go func() {
		failed = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended with %v, and said:\n%s", path, failed, &said)
		default:
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%s does not listen: %v", path, err)
		}
	}
}

// nginx starts nginx with directives of the server block, and returns the socket
// that it listens on.
func nginx(t *testing.T, directives string) (socket string) {
	t.Helper()
	path, dir := program(t, "nginx"), folder(t)
	socket = filepath.Join(dir, "nginx.sock")
	conf := filepath.Join(dir, "nginx.conf")
	var temp strings.Builder
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "\t%s_temp_path %s;\n", name, filepath.Join(dir, name))
	}
	text := fmt.Sprintf(`daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr crit;
events {}
http {
	access_log off;
%[2]s	server {
		listen unix:%[3]s;
%[4]s
	}
}
`, dir, &temp, socket, directives)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, socket, path, "-p", dir, "-e", "stderr", "-c", conf)
	return socket
}

// client is a browser whose TLS ends at the proxy, to which it speaks through a
// socket.
type client struct {
	t      *testing.T
	client *http.Client
}

func newClient(t *testing.T, socket string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial} // no TLS: it has ended
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, &http.Client{Transport: transport, Jar: jar}}
}

// reply is a response that was read to its end.
type reply struct {
	*http.Response
	body string
}

// ask sends a request to https://app.test. The header is pairs of names and values.
func (c *client) ask(method, path string, header ...string) reply {
	c.t.Helper()
	r, err := http.NewRequest(method, "https://app.test"+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{response, string(body)}
}

// wants fails the test unless the answer is a 200 with this body.
func (a reply) wants(t *testing.T, body string) {
	t.Helper()
	if a.StatusCode != http.StatusOK || a.body != body {
		t.Errorf("the answer is %d %.200q, want 200 %q", a.StatusCode, a.body, body)
	}
}

// state is what the application keeps.
type state struct {
	User string
	Text string
}

// serve starts an application on loopback and returns its address.
func serve(t *testing.T, st store.Store, cookie session.Cookie, routes func(*http.ServeMux)) string {
	t.Helper()
	m, err := session.NewManager(st, session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *state) string { return s.User },
		Cookie:  cookie,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		session.From[state](r.Context()).Login(func(s *state) { s.User = "ann" })
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, session.From[state](r.Context()).State().User)
	})
	if routes != nil {
		routes(mux)
	}
	srv := httptest.NewServer(m.Wrap(mux))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}
