package sqltest

import (
	"os"
	"testing"
)

// StartReplica starts a streaming replica of a PostgreSQL server, which is
// configured to wait for it at each commit.
func (s *Server) StartReplica(t testing.TB) *Server {
	t.Helper()
	r, err := s.replica()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		cmd := s.command([]string{"psql", "-X", "-q", "-h", "127.0.0.1", "-p", s.port, "-U", "root", "-d", "postgres", "-c", text})
		if err := cmd.Run(); err != nil {
			t.Fatal(s.errorf("%v: %v", cmd, err))
		}
	}
	return r
}

// replica copies the server's data.
func (s *Server) replica() (*Server, error) {
	dir, err := os.MkdirTemp("", "sqltest")
	if err != nil {
		return nil, err
	}
	r := &Server{Program: s.Program, dir: dir, cred: s.cred}
	if r.cred != nil {
		if err := os.Chown(dir, int(r.cred.Uid), int(r.cred.Gid)); err != nil {
			return nil, err
		}
	}
	if err := r.choosePort(); err != nil {
		return nil, err
	}
	cmd := r.command([]string{
		"pg_basebackup", "-D", r.data(), "-h", "127.0.0.1", "-p", s.port, "-U", "root", "-R", "-X", "stream", "-c", "fast", "-N",
	})
	if err := cmd.Run(); err != nil {
		defer r.Close()
		return nil, r.errorf("%v: %v", cmd, err)
	}
	return r, nil
}

// Promote makes a replica the primary. It returns when it takes writes.
func (s *Server) Promote() error {
	cmd := s.command([]string{"pg_ctl", "promote", "-w", "-D", s.data()})
	if err := cmd.Run(); err != nil {
		return s.errorf("%v: %v", cmd, err)
	}
	return nil
}
