package sqltest

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// startTimeout bounds how long a server may take to answer. It takes two
// seconds on an idle machine, and much more on a busy one.
const startTimeout = 2 * time.Minute

// Server is one server process.
type Server struct {
	Program
	Addr string // host:port; user root has all rights and no password

	dir, port string
	cred      *syscall.Credential // nil if the test is not root
	cmd       *exec.Cmd
	out       output
	done      chan struct{} // closed when the process has ended
}

func (p Program) start() (*Server, error) {
	dir, err := os.MkdirTemp("", "sqltest")
	if err != nil {
		return nil, err
	}
	s := &Server{Program: p, dir: dir}
	if err := s.prepare(); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.Run(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepare creates the data directory.
func (s *Server) prepare() error {
	spec := programs[s.Name]
	if os.Getuid() == 0 { // which PostgreSQL refuses
		if err := s.become(spec.user); err != nil {
			return err
		}
	}
	if err := s.choosePort(); err != nil {
		return err
	}
	cmd := s.command(spec.create(s))
	if err := cmd.Run(); err != nil {
		return s.errorf("%v: %v", cmd, err)
	}
	return nil
}

// choosePort chooses a loopback port that nothing listens on.
func (s *Server) choosePort() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	s.Addr = l.Addr().String()
	_, s.port, err = net.SplitHostPort(s.Addr)
	return err
}

// become has the server's programs run by another account, to which it gives the
// server's directory.
func (s *Server) become(account string) error {
	u, err := user.Lookup(account)
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, uid, gid)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(args []string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), s.path(args[0]), args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+s.dir)
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	cmd.SysProcAttr = endWithParent()
	cmd.SysProcAttr.Credential = s.cred
	return cmd
}

// Run starts the process, again after a Kill, on the same port and directory,
// and waits until it answers.
func (s *Server) Run() error {
	spec := programs[s.Name]
	deadline := time.Now().Add(startTimeout)
	for {
		s.cmd = s.command(spec.run(s))
		if err := s.cmd.Start(); err != nil {
			return err
		}
		done := make(chan struct{})
		s.done = done
		go func(cmd *exec.Cmd) {
			defer close(done)
			_ = cmd.Wait() // killed on purpose, as a rule
		}(s.cmd)
		if s.answers(deadline) {
			return nil
		}
		s.Kill()
		// After a Kill, the children of PostgreSQL may still be there.
		if time.Now().After(deadline) {
			return s.errorf("%s does not answer", s.Name)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// answers waits until the server answers. It reports false if it does not, or has
// ended.
func (s *Server) answers(deadline time.Time) bool {
	for time.Now().Before(deadline) {
		if s.command(programs[s.Name].ready(s)).Run() == nil {
			return true
		}
		select {
		case <-s.done:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// Kill ends the process as a crash would, and returns when it is gone.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// Close ends the process and removes its data.
func (s *Server) Close() {
	s.Kill()
	// The children of PostgreSQL may still write for a moment.
	for range 100 {
		if os.RemoveAll(s.dir) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// output keeps what a server prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
