package main

import (
	"context"
	"fmt"
	"time"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
)

// useCase is something that requests do.
type useCase struct {
	name   string
	action peers.Action
	cookie bool // the request presents one
}

var useCases = []useCase{
	{"no cookie, untouched", peers.Untouched, false},
	{"no cookie, read", peers.Read, false},
	{"untouched", peers.Untouched, true},
	{"read", peers.Read, true},
	{"write", peers.Write, true},
	{"login", peers.Login, true},
	{"create", peers.Create, false},
}

// setting is what contenders are compared in.
type setting struct {
	store      peers.Store
	useCase    string
	goroutines int
	size       int
}

// time is what a request costs in the setting: the CPU time of one client that
// waits for no other, which does not depend on what else the machine does, or else
// the time on the clock.
func (s setting) time() measure.Measure {
	if s.store.InProcess() && s.goroutines == 1 {
		return measure.CPUs
	}
	return measure.Nanos
}

// defaultSize is that of the states where nothing else is said, in bytes.
const defaultSize = 200

// oneRead is the read that measureReadSteps takes apart.
var oneRead = setting{peers.Memory, "read", 1, defaultSize}

// requestResults holds, for each setting, a job for each contender.
type requestResults map[setting]measure.Group

// ratio returns how many times as long as b takes a.
func (r requestResults) ratio(s setting, a, b string) measure.Summary {
	return s.time().Ratio(r.job(s, a), r.job(s, b))
}

func (r requestResults) job(s setting, contender string) *measure.Job {
	for _, j := range r[s] {
		if j.Name == contender {
			return j
		}
	}
	return nil
}

// settings returns what is measured of a store: every case by one goroutine,
// and reads and writes by more of them and with larger states.
func (p *profile) settings(store peers.Store) []setting {
	var all []setting
	add := func(use string) {
		all = append(all, setting{store, use, 1, defaultSize})
		if use != "read" && use != "write" {
			return
		}
		for _, g := range p.goroutines {
			all = append(all, setting{store, use, g, defaultSize})
		}
		for _, size := range p.sizes {
			all = append(all, setting{store, use, 1, size})
		}
	}
	for _, use := range useCases {
		add(use.name)
	}
	return all
}

// measureRequests measures all settings of all contenders.
func measureRequests(ctx context.Context, env peers.Env, plan profile) (requestResults, error) {
	sites := &sitePool{env: env, open: make(map[siteKey]*place)}
	defer sites.close()

	results := make(requestResults)
	for _, store := range []peers.Store{peers.Memory, peers.Cookie, peers.Redis} {
		var groups []measure.Group
		for _, s := range plan.settings(store) {
			var group measure.Group
			for _, c := range peers.Contenders() {
				if c.Store == store {
					group = append(group, sites.job(c, s))
				}
			}
			results[s] = group
			groups = append(groups, group)
		}
		how := plan.requests
		if store == peers.Redis {
			how = plan.redis
		}
		if err := measure.Run(ctx, how, groups, rounds("requests, "+string(store), how)); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// measureReadSteps measures what lies between the floor of a read and a read by
// the library.
func measureReadSteps(ctx context.Context, env peers.Env, plan measure.Plan) ([]measure.Group, error) {
	sites := &sitePool{env: env, open: make(map[siteKey]*place)}
	defer sites.close()
	var groups []measure.Group
	for _, steps := range peers.ReadSteps() {
		var group measure.Group
		for _, c := range steps {
			group = append(group, sites.job(c, oneRead))
		}
		groups = append(groups, group)
	}
	return groups, measure.Run(ctx, plan, groups, rounds("steps of a read", plan))
}

// sitePool opens each site once, and keeps its visitors: only one job runs at a
// time. Who writes has a site apart, because what was just written is not read
// from a client-side cache.
type sitePool struct {
	env  peers.Env
	open map[siteKey]*place
}

type siteKey struct {
	store  peers.Store
	name   string
	size   int
	writes bool
}

// place is a site with its visitors.
type place struct {
	site     *peers.Site
	settle   time.Duration // see peers.Contender
	visitors []*visitor
}

// workers returns so many visitors who do what the case says.
func (p *place) workers(n int, use useCase) ([]func() error, error) {
	if len(p.visitors) < n {
		defer time.Sleep(p.settle)
	}
	for len(p.visitors) < n {
		v, err := newVisitor(p.site)
		if err != nil {
			return nil, err
		}
		p.visitors = append(p.visitors, v)
	}
	workers := make([]func() error, n)
	for i := range workers {
		workers[i] = p.visitors[i].worker(use)
	}
	return workers, nil
}

func (p *sitePool) close() {
	for _, place := range p.open {
		place.site.Close()
	}
}

func (p *sitePool) make(c peers.Contender, size int) (*place, error) {
	env := p.env
	env.Size = size
	site, err := c.Open(env)
	return &place{site: site, settle: c.Settle}, err
}

func (p *sitePool) get(c peers.Contender, size int, use useCase) (*place, error) {
	key := siteKey{c.Store, c.Name, size, use.action != peers.Untouched && use.action != peers.Read}
	if place, ok := p.open[key]; ok {
		return place, nil
	}
	place, err := p.make(c, size)
	if err == nil {
		p.open[key] = place
	}
	return place, err
}

// job returns the job of a contender in a setting.
func (p *sitePool) job(c peers.Contender, s setting) *measure.Job {
	var use useCase
	for _, u := range useCases {
		if u.name == s.useCase {
			use = u
		}
	}
	// A site costs up to a tenth more or less by where in memory its parts
	// happen to lie, so each slice has another. Sessions that are created
	// without end are gone with it.
	fresh := c.Store.InProcess()
	return &measure.Job{Name: c.Name, Fresh: fresh, Open: func() (func(int) error, func(), error) {
		if why, lacks := c.Lacks[use.action]; lacks {
			return nil, nil, fmt.Errorf("not offered: %s", why)
		}
		var place *place
		var err error
		done := func() {}
		if fresh {
			place, err = p.make(c, s.size)
			done = func() { place.site.Close() }
		} else {
			place, err = p.get(c, s.size, use)
		}
		if err != nil {
			return nil, nil, err
		}
		workers, err := place.workers(s.goroutines, use)
		if err != nil {
			done()
			return nil, nil, err
		}
		run := func(n int) error { return measure.Parallel(n, workers) }
		return run, done, nil
	}}
}

// visitor is a client with a session.
type visitor struct {
	client peers.Client
	cookie string
}

func newVisitor(site *peers.Site) (*visitor, error) {
	client := site.NewClient()
	reply := client.Do(peers.Create, "")
	if err := reply.Err(); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	return &visitor{client, reply.Cookie}, nil
}

// worker returns a function that sends one request of a case.
func (v *visitor) worker(use useCase) func() error {
	renewed := use.action == peers.Login
	return func() error {
		cookie := ""
		if use.cookie {
			cookie = v.cookie
		}
		reply := v.client.Do(use.action, cookie)
		if renewed {
			v.cookie = reply.Cookie
		}
		return reply.Err()
	}
}
