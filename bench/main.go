// Command bench compares this library with others, and with the least that its
// work can cost, and writes RESULTS.md and results.svg.
//
// Everything that is compared runs in one process, in short turns.
// redis-server, which must be installed, PostgreSQL, MariaDB and wrk it starts and
// ends itself, on free loopback ports. Without wrk whole servers are left out,
// without PostgreSQL and MariaDB SQL databases, and the results say so.
//
// It is best run by make, with GODEBUG=madvdontneed=0. Memory that the garbage
// collector gives back to the system, and that is taken again, costs 17 µs for
// each page on a virtual machine, and hits what happens to need it next. With
// the setting the system takes it only when it is short of memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
	"github.com/typedsession/typedsession/bench/internal/servers"
)

// profile says how long to measure what.
type profile struct {
	requests   measure.Plan // in memory and with cookies
	redis      measure.Plan // on Redis
	goroutines []int        // besides one
	sizes      []int        // bytes, besides defaultSize
	sql        measure.Plan // on SQL databases
	contention measure.Plan
	scale      []int // sessions
	servers    measure.Plan
}

var profiles = map[string]profile{
	"quick": { // under 3 minutes
		requests:   measure.Plan{Rounds: 10, Slice: 4 * time.Millisecond},
		redis:      measure.Plan{Rounds: 6, Slice: 8 * time.Millisecond},
		sql:        measure.Plan{Rounds: 9, Slice: 50 * time.Millisecond},
		goroutines: []int{64},
		sizes:      []int{2_000},
		contention: measure.Plan{Rounds: 3, Slice: 30 * time.Millisecond},
		scale:      []int{10_000, 100_000},
		servers:    measure.Plan{Rounds: 1, Slice: time.Second},
	},
	"default": { // under 20 minutes
		requests:   measure.Plan{Rounds: 40, Slice: 12 * time.Millisecond},
		redis:      measure.Plan{Rounds: 12, Slice: 50 * time.Millisecond},
		sql:        measure.Plan{Rounds: 12, Slice: 150 * time.Millisecond},
		goroutines: []int{8, 64, 512},
		sizes:      []int{2_000, 20_000},
		contention: measure.Plan{Rounds: 6, Slice: 100 * time.Millisecond},
		scale:      []int{10_000, 100_000, 1_000_000, 5_000_000},
		servers:    measure.Plan{Rounds: 8, Slice: time.Second},
	},
	"full": { // an hour
		requests:   measure.Plan{Rounds: 100, Slice: 20 * time.Millisecond},
		redis:      measure.Plan{Rounds: 25, Slice: 100 * time.Millisecond},
		sql:        measure.Plan{Rounds: 25, Slice: 200 * time.Millisecond},
		goroutines: []int{8, 64, 512},
		sizes:      []int{2_000, 20_000},
		contention: measure.Plan{Rounds: 10, Slice: 500 * time.Millisecond},
		scale:      []int{10_000, 100_000, 1_000_000, 5_000_000},
		servers:    measure.Plan{Rounds: 10, Slice: 5 * time.Second},
	},
}

func main() {
	log.SetFlags(log.Ltime)
	name := flag.String("profile", "default", "how long to measure: quick, default or full")
	out := flag.String("out", ".", "directory for RESULTS.md and results.svg")
	only := flag.String("only", "requests,contention,sql,scale,servers", "parts to measure")
	child := flag.String("child", "", "for the processes that it starts itself")
	redis := flag.String("redis", "", "for the processes that it starts itself")
	flag.Parse()

	// Interrupted, it ends the servers that it has started.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *name, *out, *only, *child, *redis); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, name, out, only, child, redis string) error {
	switch kind, args, _ := strings.Cut(child, ":"); kind {
	case "scale":
		return scaleChild(args)
	case "serve":
		return serveChild(args, peers.Env{RedisAddr: redis})
	}
	if name == "" {
		name = "default"
	}
	plan, ok := profiles[name]
	if !ok {
		return fmt.Errorf("no profile %q", name)
	}
	r, err := measureAll(ctx, name, plan, only)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "RESULTS.md"), []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	if r.requests == nil {
		return nil
	}
	return r.plot(filepath.Join(out, "results.svg"))
}

// ballastSize is the heap of a small server.
const ballastSize = 64 << 20

// ours and the others, as the contenders are called.
const (
	ours        = "typedsession"
	oursMethods = "typedsession, methods"
	oursCached  = "typedsession, cached"
	floor       = "floor"
	floorMethod = "floor, methods"
	scs         = "scs"
	scsTuned    = "scs, msgpack"
	gorilla     = "gorilla"
)

// results is everything that one run has found out.
type results struct {
	profile string
	plan    profile
	started time.Time
	took    time.Duration
	machine machine
	redis   string // version

	requests    requestResults
	steps       []measure.Group // of a read, for each way to encode the state
	cookies     map[string]int  // length of the cookie's value
	contention  map[string][]*fight
	uncontended []float64
	sql         *sqlResults
	scales      []scale
	servers     []*served
	skipped     []string
}

func measureAll(ctx context.Context, name string, plan profile, only string) (*results, error) {
	ballast := measure.Ballast(ballastSize)
	defer runtime.KeepAlive(ballast)

	r := &results{profile: name, plan: plan, started: time.Now(), machine: newMachine()}
	server, err := servers.StartRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	r.redis = server.Version
	env := peers.Env{RedisAddr: server.Addr}
	wanted := func(part string) bool {
		if strings.Contains(only, part) {
			return true
		}
		r.skipped = append(r.skipped, "the part "+part+", by the flag -only")
		return false
	}
	if wanted("requests") {
		if err := r.measureRequests(ctx, env); err != nil {
			return nil, err
		}
	}
	if wanted("contention") {
		r.contention, r.uncontended, err = measureContention(ctx, env, plan.contention, rounds("contention", plan.contention))
		if err != nil {
			return nil, err
		}
	}
	if wanted("sql") {
		if err := r.measureSQL(ctx, env); err != nil {
			return nil, err
		}
	}
	if wanted("scale") {
		if err := r.measureScale(ctx); err != nil {
			return nil, err
		}
	}
	if wanted("servers") {
		r.servers, err = measureServers(ctx, env, plan.servers, rounds("servers", plan.servers))
		if errors.Is(err, servers.ErrNotInstalled) {
			r.skipped = append(r.skipped, "whole servers: "+err.Error())
		} else if err != nil {
			return nil, err
		}
	}
	r.machine.finish()
	r.took = time.Since(r.started)
	return r, nil
}

// measureRequests measures the requests of one client.
func (r *results) measureRequests(ctx context.Context, env peers.Env) (err error) {
	if r.requests, err = measureRequests(ctx, env, r.plan); err != nil {
		return err
	}
	if r.steps, err = measureReadSteps(ctx, env, r.plan.requests); err != nil {
		return err
	}
	r.cookies, err = cookieLengths(env)
	return err
}

// measureScale measures many sessions, as far as there is memory for them.
func (r *results) measureScale(ctx context.Context) error {
	for _, n := range r.plan.scale {
		if free := availableMemory(); free < int64(n)*sessionMemory {
			r.skipped = append(r.skipped, fmt.Sprintf("%d sessions in memory: %d MB are free, and it takes %d", n, free>>20, int64(n)*sessionMemory>>20))
			continue
		}
		for _, library := range []string{"typedsession", "scs"} {
			log.Printf("scale: %s with %d sessions", library, n)
			s, err := runScale(ctx, library, n)
			if err != nil {
				return err
			}
			r.scales = append(r.scales, s)
		}
	}
	return nil
}

// rounds returns a function that says how far a part has come.
func rounds(part string, plan measure.Plan) func(int) {
	return func(round int) { log.Printf("%s: round %d of %d", part, round+1, plan.Rounds) }
}

// cookieLengths returns how long the value of each contender's cookie is.
func cookieLengths(env peers.Env) (map[string]int, error) {
	lengths := make(map[string]int)
	for _, c := range peers.Contenders() {
		if c.Store != peers.Cookie {
			continue
		}
		site, err := c.Open(env)
		if err != nil {
			return nil, err
		}
		reply := site.NewClient().Do(peers.Create, "")
		_, value, _ := strings.Cut(reply.Cookie, "=")
		lengths[c.Name] = len(value)
		site.Close()
	}
	return lengths, nil
}
