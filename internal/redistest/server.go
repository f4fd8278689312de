package redistest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds how long a server may take to answer. It takes 30 ms on
// an idle machine.
const startTimeout = 20 * time.Second

// Server is one running server process.
type Server struct {
	Addr string // host:port of the plain or, with StartTLS, the TLS port

	t    testing.TB
	path string
	args []string
	dir  string
	dial func() (net.Conn, error)
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done chan struct{} // closed when the process has ended
}

// Start starts a server with nothing persistent, plus the given arguments. A
// test that kills or slows a server starts its own.
func (p Program) Start(t testing.TB, args ...string) *Server {
	t.Helper()
	port := FreePort(t)
	s := p.newServer(t, port, append([]string{"--port", port}, args...))
	s.Run()
	return s
}

// newServer prepares a server without running it.
func (p Program) newServer(t testing.TB, port string, args []string) *Server {
	s := &Server{
		Addr: net.JoinHostPort("127.0.0.1", port),
		t:    t,
		path: p.path,
		dir:  t.TempDir(),
	}
	s.dial = func() (net.Conn, error) { return dial(s.Addr) }
	s.args = append([]string{
		"--bind", "127.0.0.1",
		"--dir", s.dir,
		"--save", "",
		"--appendonly", "no",
		"--daemonize", "no",
		"--enable-debug-command", "yes",
	}, args...)
	t.Cleanup(s.Kill)
	return s
}

// Run starts the process, again after a Kill, on the same port and directory,
// and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	s.out = new(bytes.Buffer)
	// The process ends with the test's cleanup, not with its context, which is
	// done before.
	s.cmd = exec.CommandContext(context.Background(), s.path, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.SysProcAttr = endWithParent()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.done = done
	go func(cmd *exec.Cmd) {
		defer close(done)
		_ = cmd.Wait() // killed on purpose, as a rule
	}(s.cmd)

	for deadline := time.Now().Add(startTimeout); ; time.Sleep(2 * time.Millisecond) {
		reply, err := s.do("PING")
		if err == nil && (reply == "PONG" || strings.HasPrefix(reply, "-NOAUTH")) {
			return
		}
		select {
		case <-s.done:
			s.t.Fatalf("%s ended at once:\n%s", s.path, s.out)
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer: %v, %q", s.path, err, reply)
		}
	}
}

// Kill ends the process as a crash would, and returns when it is gone. A
// stopped process dies too.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Freeze stops the process where it stands: its connections stay open and
// nothing is answered.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Dir is the server's working directory.
func (s *Server) Dir() string { return s.dir }

// Do sends one command over a connection of its own and returns the reply as
// text: an error begins with "-", the elements of an array stand one a line.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	reply, err := s.do(args...)
	if err != nil {
		s.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return reply
}

// MustDo is Do for a command that has to succeed.
func (s *Server) MustDo(args ...string) string {
	s.t.Helper()
	reply := s.Do(args...)
	if strings.HasPrefix(reply, "-") {
		s.t.Fatalf("%s: %s", strings.Join(args, " "), reply)
	}
	return reply
}

func (s *Server) do(args ...string) (string, error) {
	conn, err := s.dial()
	if err != nil {
		return "", err
	}
	defer shut(conn)
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	return exchange(conn, args)
}

// Wait polls until a reply to the command satisfies ok, and fails the test
// when that takes longer than a server may.
func (s *Server) Wait(ok func(reply string) bool, args ...string) {
	s.t.Helper()
	var reply string
	var err error
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if reply, err = s.do(args...); err == nil && ok(reply) {
			return
		}
	}
	s.t.Fatalf("%s: still %q, %v", strings.Join(args, " "), reply, err)
}

// FreePort returns a loopback port that nothing listened on a moment ago. It is
// random, and below the ports that the system gives to connections, so that no
// connection takes it before the server starts, and another process rarely does.
func FreePort(t testing.TB) string {
	t.Helper()
	const lowest, highest = 10_000, 32_000
	for range 100 {
		var random [2]byte
		rand.Read(random[:])
		port := strconv.Itoa(lowest + int(binary.BigEndian.Uint16(random[:]))%(highest-lowest))
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			shut(l)
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

func listen(t testing.TB) (net.Listener, error) {
	return new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
}

// shut closes what is not needed any more. There is nothing to be done about an
// error.
func shut(c io.Closer) { c.Close() }

// dialTimeout is far more than a connection over loopback takes.
const dialTimeout = 5 * time.Second

func dial(addr string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(context.Background(), "tcp", addr)
}

// writeFile writes a file into the test's own directory and returns its path.
func writeFile(t testing.TB, dir, name, format string, args ...any) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
