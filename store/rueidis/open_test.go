package rueidis_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
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
		{"nobody listens", nil, rueidis.Options{}, "connection refused"},
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

// serve answers connections to a free port until the test ends, or lets nobody
// listen there.
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

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		const password = "hunter2"
		s := p.Start(t)
		s.MustDo("CONFIG", "SET", "requirepass", "open sesame")
		url := "redis://user:" + password + "@" + s.Addr
		t.Run("wrong password", func(t *testing.T) {
			err := wantOpenError(t, url, rueidis.Options{}, password)
			if !strings.Contains(err.Error(), "WRONGPASS") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("no password", func(t *testing.T) {
			err := wantOpenError(t, "redis://"+s.Addr, rueidis.Options{}, password)
			if !strings.Contains(err.Error(), "NOAUTH") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("a replica, which takes no writes", func(t *testing.T) {
			pair := p.StartPair(t)
			err := wantOpenError(t, "redis://"+pair.Replica.Addr, rueidis.Options{}, password)
			if !strings.Contains(err.Error(), "READONLY") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("more replicas than there are", func(t *testing.T) {
			s := p.Start(t)
			err := wantOpenError(t, "redis://"+s.Addr, rueidis.Options{WaitReplicas: 1}, password)
			if !strings.Contains(err.Error(), "acknowledged by 0 replicas of 1") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("a certificate that nobody trusts", func(t *testing.T) {
			s, _ := p.StartTLS(t)
			err := wantOpenError(t, "rediss://user:"+password+"@"+s.Addr, rueidis.Options{Timeout: 9 * time.Second}, password)
			if !strings.Contains(err.Error(), "certificate") {
				t.Errorf("error %q does not say so", err)
			}
		})
		t.Run("no client certificate", func(t *testing.T) {
			s, config := p.StartTLS(t)
			config.Certificates = nil
			c, err := client.NewClient(client.ClientOption{InitAddress: []string{s.Addr}, TLSConfig: config})
			if err == nil {
				c.Close()
				t.Fatal("connected")
			}
		})
		t.Run("plain text to a TLS port", func(t *testing.T) {
			s, _ := p.StartTLS(t)
			_ = wantOpenError(t, "redis://user:"+password+"@"+s.Addr, rueidis.Options{}, password)
		})
		t.Run("TLS to a plain port", func(t *testing.T) {
			s := p.Start(t)
			_ = wantOpenError(t, "rediss://user:"+password+"@"+s.Addr, rueidis.Options{}, password)
		})
		t.Run("a path where no socket is", func(t *testing.T) {
			err := wantOpenError(t, "unix:///nowhere/redis.sock", rueidis.Options{}, password)
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("error %q does not say so", err)
			}
		})
	})
}

// TestRights takes from a user each right that the documentation calls
// necessary: Open must notice, and say what is needed.
func TestRights(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		servers := []*redistest.Server{s}
		url := asShop("redis://" + s.Addr)
		for _, kind := range []struct {
			name   string
			rights []string
			opts   rueidis.Options
		}{
			{"uncached", leastRights, rueidis.Options{}},
			{"cached", cachedRights, rueidis.Options{ClientCacheTTL: time.Second}},
			{"database 3", databaseRights, rueidis.Options{}},
		} {
			url := url
			if kind.name == "database 3" {
				url += "/3"
			}
			allow(servers, kind.rights)
			open(t, url, kind.opts)
			for i, right := range kind.rights {
				t.Run(kind.name+" without "+right, func(t *testing.T) {
					allow(servers, slices.Delete(slices.Clone(kind.rights), i, i+1))
					err := wantOpenError(t, url, kind.opts, "secret")
					if want := strings.TrimPrefix(right, "+"); !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not name %q", err, want)
					}
				})
			}
		}
	})
}

// TestNothingIsRefused lets a user with the least rights be idle for longer than
// the client stays silent: a server logs each command that it refuses.
func TestNothingIsRefused(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		allow([]*redistest.Server{s}, leastRights)
		open(t, asShop("redis://"+s.Addr), rueidis.Options{})
		s.Wait(func(stats string) bool { return strings.Contains(stats, "cmdstat_ping:calls=") }, "INFO", "commandstats")
		s.MustDo("ACL", "LOG", "RESET")
		s.MustDo("CONFIG", "RESETSTAT")
		// The client's own, after a silent second.
		s.Wait(func(stats string) bool {
			_, pings, _ := strings.Cut(stats, "cmdstat_ping:calls=")
			calls, _, _ := strings.Cut(pings, ",")
			return calls >= "2"
		}, "INFO", "commandstats")
		if log := s.MustDo("ACL", "LOG"); log != "" {
			t.Errorf("the server has refused commands: %s", log)
		}
	})
}

// TestSentinelPassword has Sentinels that ask for a password, which is not the
// servers'.
func TestSentinelPassword(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		sentinel := p.StartSentinel(t, s, 1, "watch")
		url := "redis://" + sentinel.Addr + "?master_set=" + redistest.MasterSet
		err := wantOpenError(t, url, rueidis.Options{}, "")
		if !strings.Contains(err.Error(), "sentinel_password") {
			t.Errorf("error %q does not name the parameter", err)
		}
		_ = wantOpenError(t, url+"&sentinel_password=hunter2", rueidis.Options{}, "hunter2")
		testLife(t, open(t, url+"&sentinel_password=watch", rueidis.Options{}))
	})
}
