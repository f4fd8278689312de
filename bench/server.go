package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
	"github.com/typedsession/typedsession/bench/internal/servers"
)

// served is a contender behind net/http, under load.
type served struct {
	contender peers.Contender // without a name it is the bare handler, see bare
	action    peers.Action
	rates     []float64 // requests a second
	p50, p99  []float64 // milliseconds
	err       error
}

const (
	connections = 32
	// clients is how many sessions the connections share.
	clients = 256
)

// measureServers runs each contender as a server in a process of its own, one
// at a time and in turns, with wrk as its clients. Fiber is left out, because
// its host differs, and so are variants of a contender.
func measureServers(ctx context.Context, env peers.Env, plan measure.Plan, progress func(int)) ([]*served, error) {
	all := contendersServed()
	for round := range plan.Rounds {
		progress(round)
		for _, i := range rand.Perm(len(all)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s := all[i]
			if s.err == nil {
				s.err = s.round(ctx, env, plan.Slice)
			}
			if errors.Is(s.err, servers.ErrNotInstalled) {
				return nil, s.err
			}
		}
	}
	return all, nil
}

// contendersServed returns what is measured behind a server.
func contendersServed() []*served {
	var all []*served
	for _, store := range []peers.Store{peers.Memory, peers.Cookie, peers.Redis} {
		all = append(all, bare(store))
		for _, c := range peers.Contenders() {
			if c.Store != store || c.Name == "fiber" || strings.Contains(c.Name, "methods") || strings.Contains(c.Name, "subjects") {
				continue
			}
			for _, a := range []peers.Action{peers.Untouched, peers.Read, peers.Write} {
				if a == peers.Untouched && (store == peers.Redis || c.Role == peers.Floor) {
					continue
				}
				all = append(all, &served{contender: c, action: a})
			}
		}
	}
	return all
}

// bare is the handler without a session. Its clients present the cookies that
// ours have in that store all the same: to read and parse them is the server's
// work.
func bare(store peers.Store) *served {
	return &served{contender: peers.Contender{Store: store}, action: peers.Untouched}
}

func (s *served) round(ctx context.Context, env peers.Env, d time.Duration) error {
	server, url, err := startServer(ctx, s.contender, env)
	if err != nil {
		return err
	}
	defer server()
	cookies, err := createSessions(ctx, url, clients)
	if err != nil {
		return err
	}
	time.Sleep(s.contender.Settle)
	load, err := servers.Wrk(ctx, url, "/"+s.action.String(), cookies, connections, d)
	if err != nil {
		return err
	}
	s.rates = append(s.rates, load.Rate)
	s.p50 = append(s.p50, ms(load.P50))
	s.p99 = append(s.p99, ms(load.P99))
	return nil
}

// createSessions returns the cookies of new sessions.
func createSessions(ctx context.Context, url string, n int) ([]string, error) {
	cookies := make([]string, n)
	for i := range cookies {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/"+peers.Create.String(), nil)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
		resp.Body.Close()
		cookies[i] = peers.SetCookies(resp.Header["Set-Cookie"])
		if resp.StatusCode != http.StatusOK || cookies[i] == "" {
			return nil, fmt.Errorf("create: status %d, cookie %q", resp.StatusCode, cookies[i])
		}
	}
	return cookies, nil
}

// startServer starts a child process that serves a contender.
func startServer(ctx context.Context, c peers.Contender, env peers.Env) (stop func(), url string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, self, "-child", fmt.Sprintf("serve:%s:%s", c.Store, c.Name), "-redis", env.RedisAddr)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe() // closed with us, which ends the child
	if err != nil {
		return nil, "", err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	stop = func() {
		input.Close()
		_ = cmd.Wait() // it has nothing to say any more
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		stop()
		return nil, "", fmt.Errorf("server of %s: %w", c.Name, err)
	}
	return stop, "http://" + strings.TrimSpace(line), nil
}

// serveChild is the child process. It serves until its standard input ends.
func serveChild(args string, env peers.Env) error {
	store, name, _ := strings.Cut(args, ":")
	log.SetOutput(io.Discard) // wrk hangs up on requests when its time is over
	ballast := measure.Ballast(ballastSize)
	defer runtime.KeepAlive(ballast)
	mux := http.NewServeMux()
	for _, c := range peers.Contenders() {
		if string(c.Store) != store || c.Name != cmp.Or(name, ours) {
			continue
		}
		site, err := c.Open(env)
		if err != nil {
			return err
		}
		defer site.Close()
		if name == "" {
			site.Handlers[peers.Untouched] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte("ok"))
			})
		}
		for _, a := range peers.Actions() {
			mux.Handle("/"+a.String(), site.Handlers[a])
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// served returns what was measured of a server, or nil.
func (r *results) served(name string, store peers.Store, a peers.Action) *served {
	for _, s := range r.servers {
		if s.contender.Name == name && s.contender.Store == store && s.action == a && s.err == nil {
			return s
		}
	}
	return nil
}
