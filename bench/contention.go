package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
)

// crowd is a way in which many goroutines write at once.
type crowd struct {
	name       string
	sessions   int
	goroutines int
	action     peers.Action
}

// oneSession is the crowd that is compared with a single goroutine.
const oneSession = "64 goroutines, one session"

var crowds = []crowd{
	{"8 goroutines, one session", 1, 8, peers.Write},
	{oneSession, 1, 64, peers.Write},
	{"8 goroutines, one session, slow handler", 1, 8, peers.Slow},
	{"64 goroutines, one session, slow handler", 1, 64, peers.Slow},
	{"8 goroutines, 10,000 sessions", 10_000, 8, peers.Write},
	{"64 goroutines, 10,000 sessions", 10_000, 64, peers.Write},
}

// fight is what came of a crowd at one contender.
type fight struct {
	contender peers.Contender
	rates     []float64 // writes a second, one for each round
	writes    int64     // that were answered with a success
	failed    int64     // that were answered with an error
	conflicts float64   // for each write; negative if it is not known
	lost      int64     // successes that are not in the sessions
	err       error

	site *peers.Site
	jars []jar
}

// jar is a cookie that several goroutines hold, as the tabs of one browser do.
type jar struct{ value atomic.Pointer[string] }

// contention is crowds that write counters at contenders.
type contention struct {
	env     peers.Env
	crowds  []crowd
	results map[string][]*fight // by the name of the crowd
}

// newContention opens a site of each contender for each crowd.
func newContention(env peers.Env, contenders []peers.Contender, crowds []crowd) *contention {
	c := &contention{env, crowds, make(map[string][]*fight)}
	for _, crowd := range crowds {
		for _, contender := range contenders {
			if contender.Role != peers.Floor {
				f := &fight{contender: contender}
				f.err = f.open(env, crowd.sessions)
				c.results[crowd.name] = append(c.results[crowd.name], f)
			}
		}
	}
	return c
}

func (c *contention) close() {
	for _, fights := range c.results {
		for _, f := range fights {
			if f.site != nil {
				f.site.Close()
			}
		}
	}
}

// run lets the crowds write, and counts what is missing afterwards. It calls
// after, if not nil, when a crowd has written.
func (c *contention) run(ctx context.Context, plan measure.Plan, progress func(int), after func(crowd) error) error {
	for round := range plan.Rounds {
		progress(round)
		for _, crowd := range c.crowds {
			fights := c.results[crowd.name]
			for _, i := range rand.Perm(len(fights)) {
				if err := ctx.Err(); err != nil {
					return err
				}
				if f := fights[i]; f.err == nil {
					f.round(crowd, plan.Slice)
				}
			}
			if after != nil {
				if err := after(crowd); err != nil {
					return err
				}
			}
		}
	}
	for _, crowd := range c.crowds {
		for _, f := range c.results[crowd.name] {
			if f.err == nil {
				f.err = f.count()
			}
			if f.err == nil {
				f.conflicts, f.err = countConflicts(f.contender, c.env, crowd, plan.Slice)
			}
		}
	}
	return nil
}

// measureContention lets crowds write counters, and counts what is missing of
// them afterwards. It also returns the rates of a single goroutine, see
// newLoner.
func measureContention(ctx context.Context, env peers.Env, plan measure.Plan, progress func(int)) (map[string][]*fight, []float64, error) {
	loner, err := newLoner(env)
	if err != nil {
		return nil, nil, err
	}
	c := newContention(env, peers.Contenders(), crowds)
	defer c.close()
	var alone []float64
	err = c.run(ctx, plan, progress, func(crowd crowd) error {
		if crowd.name != oneSession {
			return nil
		}
		rate, err := loner(plan.Slice)
		alone = append(alone, rate)
		return err
	})
	return c.results, alone, err
}

// open creates the sessions.
func (f *fight) open(env peers.Env, sessions int) (err error) {
	if f.site, err = f.contender.Open(env); err != nil {
		return err
	}
	f.jars = make([]jar, sessions)
	return f.each(func(jar *jar, client peers.Client) error {
		reply := client.Do(peers.Create, "")
		jar.value.Store(&reply.Cookie)
		return reply.Err()
	})
}

// each uses all sessions, many at a time, since each may be a round trip.
func (f *fight) each(use func(*jar, peers.Client) error) error {
	var next atomic.Int64
	workers := make([]func() error, 32)
	for i := range workers {
		client := f.site.NewClient()
		workers[i] = func() error { return use(&f.jars[next.Add(1)-1], client) }
	}
	return measure.Parallel(len(f.jars), workers)
}

// round lets the crowd in for a while.
func (f *fight) round(crowd crowd, slice time.Duration) {
	var writes, failed atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for g := range crowd.goroutines {
		wg.Go(func() {
			client := f.site.NewClient()
			random := rand.New(rand.NewPCG(uint64(g), uint64(len(f.rates))))
			done, wrong := int64(0), int64(0)
			for time.Since(start) < slice {
				jar := &f.jars[random.IntN(len(f.jars))]
				reply := client.Do(crowd.action, *jar.value.Load())
				if reply.Err() != nil {
					wrong++
					continue
				}
				done++
				if reply.Cookie != "" {
					jar.value.Store(&reply.Cookie)
				}
			}
			writes.Add(done)
			failed.Add(wrong)
		})
	}
	wg.Wait()
	f.rates = append(f.rates, float64(writes.Load())/time.Since(start).Seconds())
	f.writes += writes.Load()
	f.failed += failed.Load()
}

// count finds out how many writes are in the sessions.
func (f *fight) count() error {
	var counted atomic.Int64
	err := f.each(func(jar *jar, client peers.Client) error {
		var state peers.State
		err := json.Unmarshal(client.Do(peers.Dump, *jar.value.Load()).Body, &state)
		counted.Add(int64(state.Counter - peers.Sample(defaultSize).Counter))
		return err
	})
	f.lost = f.writes - counted.Load()
	return err
}

// countConflicts lets a crowd write once more, at a site that counts conflicts,
// and returns how many there were for each write. To count costs something, so
// the times are not taken there.
func countConflicts(c peers.Contender, env peers.Env, crowd crowd, slice time.Duration) (float64, error) {
	env.CountConflicts = true
	f := &fight{contender: c}
	if err := f.open(env, crowd.sessions); err != nil {
		return 0, err
	}
	defer f.site.Close()
	if f.site.Conflicts == nil || c.Store == peers.Cookie {
		return -1, nil
	}
	f.round(crowd, slice)
	return float64(f.site.Conflicts()) / float64(f.writes), nil
}

// newLoner returns a function that measures how many writes a second a single
// goroutine makes at the floor of the memory store, behind a mutex that no other
// goroutine wants: what a crowd of one session is compared with.
func newLoner(env peers.Env) (func(time.Duration) (float64, error), error) {
	var floor peers.Contender
	for _, c := range peers.Contenders() {
		if c.Role == peers.Floor && c.Store == peers.Memory {
			floor = c
			break
		}
	}
	site, err := floor.Open(env)
	if err != nil {
		return nil, err
	}
	v, err := newVisitor(site)
	if err != nil {
		return nil, err
	}
	write := v.worker(useCase{action: peers.Write, cookie: true})
	var mu sync.Mutex
	return func(slice time.Duration) (float64, error) {
		n, start := 0, time.Now()
		for ; time.Since(start) < slice; n++ {
			mu.Lock()
			err := write()
			mu.Unlock()
			if err != nil {
				return 0, err
			}
		}
		return float64(n) / time.Since(start).Seconds(), nil
	}, nil
}

// fought returns what came of a crowd at a contender, or nil.
func fought(fights []*fight, name string, store peers.Store) *fight {
	for _, f := range fights {
		if f.contender.Name == name && f.contender.Store == store && f.err == nil {
			return f
		}
	}
	return nil
}
