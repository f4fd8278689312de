package servers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ErrNotInstalled means that a program is not on PATH.
var ErrNotInstalled = errors.New("not installed")

// Redis is a running redis-server that keeps nothing on disk.
type Redis struct {
	Addr    string // host:port
	Version string

	cmd *exec.Cmd
	dir string
}

// StartRedis starts a redis-server. It ends with Close, or with ctx.
func StartRedis(ctx context.Context) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server: %w", ErrNotInstalled)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-redis-")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "--bind", "127.0.0.1", "--port", port,
		"--dir", dir, "--save", "", "--appendonly", "no")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = endWithParent()
	if err := cmd.Start(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	r := &Redis{Addr: net.JoinHostPort("127.0.0.1", port), cmd: cmd, dir: dir}
	for range 200 { // 10 s
		if r.Version, err = version(ctx, r.Addr); err == nil {
			return r, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.Close()
	return nil, fmt.Errorf("redis-server does not answer: %w\n%s", err, out.Bytes())
}

// Close ends the server and removes its directory.
func (r *Redis) Close() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // it was killed
	_ = os.RemoveAll(r.dir)
}

// version asks a server for its version.
func version(ctx context.Context, addr string) (string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("INFO server\r\n")); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "redis_version:"); ok {
			return v, nil
		}
	}
	return "", errors.Join(errors.New("no version in its answer"), lines.Err())
}

// freePort returns a loopback port that nothing listened on a moment ago.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
