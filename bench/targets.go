package main

import (
	"fmt"
	"math"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
)

// target is a figure that the library is to reach.
type target struct {
	what   string
	wanted string
	is     string
	met    bool
}

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

// targets returns every target that this run has measured.
func (r *results) targets() []target {
	var all []target
	add := func(t target) { all = append(all, t) }
	atMost := func(what string, got, limit float64, format string) {
		add(target{what, "at most " + fmt.Sprintf(format, limit), fmt.Sprintf(format, got), got <= limit})
	}
	atLeast := func(what string, got, limit float64, format string) {
		add(target{what, "at least " + fmt.Sprintf(format, limit), fmt.Sprintf(format, got), got >= limit})
	}
	ratio := func(s setting, a, b string) float64 { return r.requests.ratio(s, a, b).Median }
	at := func(store peers.Store, use string) setting { return setting{store, use, 1, defaultSize} }

	if r.requests != nil {
		for _, store := range []peers.Store{peers.Memory, peers.Cookie, peers.Redis} {
			for _, use := range []string{"no cookie, untouched", "untouched"} {
				s := at(store, use)
				name := fmt.Sprintf("%s, %s", store, use)
				atMost(name+": allocations", math.Round(measure.Allocs.Of(r.requests.job(s, ours)).Median), 2, "%.0f")
				atMost(name+": time, of the floor's", ratio(s, ours, floor), 1.15, "%.2f")
			}
		}
		for _, store := range []peers.Store{peers.Memory, peers.Cookie} {
			for _, use := range []struct {
				name  string
				limit float64
			}{{"read", 1.25}, {"write", 1.3}} {
				s := at(store, use.name)
				name := fmt.Sprintf("%s, %s", store, use.name)
				atMost(name+": of the floor's", ratio(s, ours, floor), use.limit, "%.2f")
				atMost(name+", codec by methods: of the floor's", ratio(s, oursMethods, floorMethod), use.limit, "%.2f")
			}
		}
		read, write := at(peers.Memory, "read"), at(peers.Memory, "write")
		atLeast("memory, read: faster than scs", ratio(read, scs, ours), 8, "%.1f times")
		atLeast("memory, write: faster than scs", ratio(write, scs, ours), 8, "%.1f times")
		atLeast("memory, read: faster than scs with msgpack", ratio(read, scsTuned, ours), 1.2, "%.2f times")
		atLeast("memory, write: faster than scs with msgpack", ratio(write, scsTuned, ours), 1.4, "%.2f times")

		atLeast("cookie, read: faster than gorilla", ratio(at(peers.Cookie, "read"), gorilla, ours), 9, "%.1f times")
		atLeast("cookie, write: faster than gorilla", ratio(at(peers.Cookie, "write"), gorilla, ours), 9, "%.1f times")
		atMost("cookie: length, of gorilla's", float64(r.cookies[ours])/float64(r.cookies[gorilla]), 0.4, "%.2f")

		atMost("Redis, read: of the floor's", ratio(at(peers.Redis, "read"), ours, floor), 1.05, "%.2f")
		crowd := func(use string) setting { return setting{peers.Redis, use, 64, defaultSize} }
		atLeast("Redis, read by 64: throughput of scs's", ratio(crowd("read"), scs, ours), 3.5, "%.1f times")
		atLeast("Redis, write by 64: throughput of scs's", ratio(crowd("write"), scs, ours), 3, "%.1f times")
		atLeast("Redis, read: client-side caching is faster", ratio(at(peers.Redis, "read"), ours, oursCached), 15, "%.1f times")
		atLeast("Redis, read by 64: throughput with client-side caching", ratio(crowd("read"), ours, oursCached), 5, "%.1f times")
	}
	if f := r.fought(oneSession, ours, peers.Memory); f != nil {
		atMost("memory, 64 writing one session: updates lost", float64(f.lost), 0, "%.0f")
		atLeast("memory, 64 writing one session: throughput, of the floor's behind an uncontended mutex",
			measure.RatioOf(f.rates, r.uncontended).Median, 0.5, "%.2f")
	}
	if a, b := r.scale(ours, 1_000_000), r.scale(scs, 1_000_000); a != nil && b != nil {
		atMost("one million sessions: bytes each", a.HeapEach, 380, "%.0f")
		atMost("one million sessions: CPU of a full GC, of scs's", a.GCMillis/b.GCMillis, 0.6, "%.2f")
		atMost("one million sessions: longest load during a sweep, ms", max(a.StallNone, a.StallTen), 1, "%.2f")
		atMost("one million sessions, all expired: bytes left each", a.LeftEach, 40, "%.0f")
	}
	for _, s := range r.servers {
		bare := r.served("", s.contender.Store, peers.Untouched)
		if s.contender.Name == ours && s.contender.Store != peers.Redis && s.err == nil && bare != nil {
			atLeast(fmt.Sprintf("behind a server, %s, %v: throughput of the bare handler's", s.contender.Store, s.action),
				measure.RatioOf(s.rates, bare.rates).Median, 0.95, "%.2f")
		}
	}
	return all
}

// fought returns what came of a crowd at a contender, or nil.
func (r *results) fought(crowd, name string, store peers.Store) *fight {
	for _, f := range r.contention[crowd] {
		if f.contender.Name == name && f.contender.Store == store && f.err == nil {
			return f
		}
	}
	return nil
}

// scale returns what was measured of a library at a size, or nil.
func (r *results) scale(library string, sessions int) *scale {
	for i, s := range r.scales {
		if s.Library == library && s.Sessions == sessions {
			return &r.scales[i]
		}
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

// bounds returns what speaks against some targets: what this run has measured
// of the floor, which does less than a session library must, and of the others.
func (r *results) bounds() []string {
	var all []string
	for _, store := range []peers.Store{peers.Memory, peers.Cookie} {
		bare := r.served("", store, peers.Untouched)
		read, write := r.served(floor, store, peers.Read), r.served(floor, store, peers.Write)
		if bare != nil && read != nil && write != nil {
			all = append(all, fmt.Sprintf("Behind a server, %s: the floor makes %.2f of the bare handler's requests where it reads, and %.2f where it writes.",
				store, measure.RatioOf(read.rates, bare.rates).Median, measure.RatioOf(write.rates, bare.rates).Median))
		}
	}
	if r.requests == nil {
		return all
	}
	of := func(use string) float64 {
		return r.requests.ratio(setting{peers.Memory, use, 1, defaultSize}, scsTuned, floor).Median
	}
	crowd := func(store peers.Store, name string) float64 {
		s := setting{store, "read", 64, defaultSize}
		return 1e6 / s.time().Of(r.requests.job(s, name)).Median
	}
	promised := func(group measure.Group) float64 { return oneRead.time().Ratio(group[len(group)-2], group[0]).Median }
	return append(all,
		fmt.Sprintf("To read what is kept in memory behind a sealed token, from a store that copies what it hands out, takes %.2f times the floor, "+
			"and %.2f with codec methods, before there is any session: see *What a read is made of*.", promised(r.steps[0]), promised(r.steps[1])),
		fmt.Sprintf("To be 1.2 times as fast as scs with msgpack, a read would have to take %.2f times the floor; to be 1.4 times as fast, "+
			"a write would have to take %.2f times. scs has no sealed token to open.", of("read")/1.2, of("write")/1.4),
		fmt.Sprintf("Five times what 64 goroutines read from Redis is %s thousand reads a second. From the memory of the process, "+
			"where a cache is too, they read %s thousand.", three(5*crowd(peers.Redis, ours)), three(crowd(peers.Memory, ours))))
}
