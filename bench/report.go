package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
)

// report is a Markdown document in the making.
type report struct{ strings.Builder }

func (d *report) f(format string, args ...any) { fmt.Fprintf(d, format, args...) }

// table begins a table. The first column is text, the others are figures.
func (d *report) table(columns ...string) {
	d.f("\n| %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)-1))
}

// row adds a row, in bold where we lose.
func (d *report) row(lose bool, cells ...string) {
	if lose {
		for i, cell := range cells {
			if cell != "" {
				cells[i] = "**" + cell + "**"
			}
		}
	}
	d.f("| %s |\n", strings.Join(cells, " | "))
}

func (r *results) markdown() string {
	d := &report{}
	r.writeHead(d)
	if r.requests != nil {
		r.writeRequests(d)
		r.writeSteps(d)
		r.writeGoroutines(d)
		r.writeSizes(d)
	}
	r.writeContention(d)
	r.writeSQL(d)
	r.writeScale(d)
	r.writeServers(d)
	r.writeSkipped(d)
	return d.String()
}

func (r *results) writeHead(d *report) {
	m := r.machine
	d.f("# Results\n\n")
	d.f("Written by `make bench` (profile %s) on %s, in %v. Do not edit.\n\n",
		r.profile, r.started.UTC().Format("2006-01-02 15:04 MST"), r.took.Round(time.Second))
	d.f("- %s, %d cores, %s\n- %s, redis-server %s on loopback, which shares the cores\n- load average before %s, after %s\n- %s\n\n",
		m.cpu, m.cores, m.system, m.goes, r.redis, m.before, m.after, strings.Join(m.modules, ", "))
	d.f("Each figure is the median of %d rounds of %v, on Redis of %d of %v. In a round everything is measured once,\n"+
		"one thing after the other, so that what else the machine does hits all alike. ± is half the 95 %% confidence\n"+
		"interval of the median, or of fewer than six rounds their range. A ratio is the median of the ratios of each\n"+
		"round. Rows in **bold** are those where this library is the slower one or loses updates.\n"+
		"Run it yourself: the ratios are meant, not the nanoseconds.\n\n"+
		"The time of one client in memory and with cookies is CPU time of the process, which does not depend on the\n"+
		"machine's other work. All other times are on the clock. Garbage is collected before each turn, and no turn makes\n"+
		"enough for a collection: what the collector costs a server is under *Many sessions* and *Behind a server*.\n\n",
		r.plan.requests.Rounds, r.plan.requests.Slice, r.plan.redis.Rounds, r.plan.redis.Slice)
	d.f("*Floor* is the sum of the primitives that no correct implementation can avoid, done by hand in one handler:\n" +
		"clone the request, scan the cookie, hash the token, look it up, look at the clock, decode; encode, store. It\n" +
		"checks nothing. *methods*: the state has hand-written MessagePack methods. The heap carries 64 MB of ballast, as\n" +
		"that of a server would.\n")
	if r.requests != nil {
		d.f("\n![Time of a request, in multiples of the floor](results.svg)\n")
	}
}

func (r *results) writeRequests(d *report) {
	for _, store := range []peers.Store{peers.Memory, peers.Cookie, peers.Redis} {
		d.f("\n## One request, %s store\n\n", title(store))
		d.f("One client, a state of %d bytes. The last column says how many times as long as ours it takes.\n", defaultSize)
		for _, c := range peers.Contenders() {
			if c.Store == store && c.Note != "" {
				d.f("\n%s: %s.\n", c.Name, c.Note)
			}
		}
		d.table("", "time", "±", "B", "allocations", "× floor", "× ours")
		for _, use := range useCases {
			s := setting{store, use.name, 1, defaultSize}
			d.row(false, "*"+use.name+"*", "", "", "", "", "", "")
			for _, c := range peers.Contenders() {
				if c.Store == store {
					r.writeRequest(d, s, c)
				}
			}
		}
	}
	d.f("\nLength of the cookie's value: ")
	for i, c := range r.cookieOrder() {
		if i > 0 {
			d.f(", ")
		}
		d.f("%s %d", c, r.cookies[c])
	}
	d.f(".\n")
}

func (r *results) writeSteps(d *report) {
	d.f("\n## What a read is made of\n\nA read from memory at the floor, with more and more of what typedsession promises done by hand, and by\n" +
		"typedsession itself: what it has beyond the line above it are records with revisions and timeouts, the\n" +
		"inspection of what is decoded, the lock of the session, and headers.\n")
	d.table("", "by reflection", "B", "× floor", "by methods", "B", "× floor")
	for i, step := range r.steps[0] {
		cells := []string{step.Name}
		for _, group := range r.steps {
			cells = append(cells, duration(oneRead.time().Of(group[i]).Median), fmt.Sprintf("%.0f", measure.Bytes.Of(group[i]).Median),
				three(oneRead.time().Ratio(group[i], group[0]).Median))
		}
		d.row(false, cells...)
	}
}

// cookieOrder returns the contenders whose cookies were measured.
func (r *results) cookieOrder() (names []string) {
	for _, c := range peers.Contenders() {
		if c.Store == peers.Cookie {
			names = append(names, c.Name)
		}
	}
	return names
}

func (r *results) writeRequest(d *report, s setting, c peers.Contender) {
	j := r.requests.job(s, c.Name)
	if j.Err != nil {
		return // see writeSkipped
	}
	below, mine := floor, ours
	if strings.HasSuffix(c.Name, ", methods") {
		below, mine = floorMethod, oursMethods
	}
	toFloor := r.requests.ratio(s, c.Name, below)
	toOurs := r.requests.ratio(s, c.Name, mine)
	t := s.time().Of(j)
	d.row(c.Role == peers.Peer && toOurs.Median < 1, c.Name, duration(t.Median), percent(t.Spread()),
		fmt.Sprintf("%.0f", measure.Bytes.Of(j).Median), fmt.Sprintf("%.0f", measure.Allocs.Of(j).Median),
		three(toFloor.Median), three(toOurs.Median))
}

// writeGrid writes a table of reads and writes in several settings.
func (r *results) writeGrid(d *report, columns []string, at []func(peers.Store) setting, cell func(nanos float64) string) {
	d.table(append([]string{""}, columns...)...)
	for _, c := range peers.Contenders() {
		cells := []string{fmt.Sprintf("%s, %s", c.Store, c.Name)}
		for _, setting := range at {
			s := setting(c.Store)
			j := r.requests.job(s, c.Name)
			if j.Err != nil {
				cells = append(cells, "–")
				continue
			}
			text := cell(s.time().Of(j).Median)
			if mine := r.requests.job(s, ours); c.Role == peers.Peer && mine.Err == nil && s.time().Ratio(j, mine).Median < 1 {
				text = "**" + text + "**"
			}
			cells = append(cells, text)
		}
		d.row(false, cells...)
	}
}

func (r *results) writeGoroutines(d *report) {
	d.f("\n## Many goroutines\n\nThousands of requests a second, a session for each goroutine, a state of %d bytes. In memory and with\n"+
		"cookies, those of one goroutine are for each second of CPU time.\n", defaultSize)
	var columns []string
	var at []func(peers.Store) setting
	for _, use := range []string{"read", "write"} {
		for _, g := range append([]int{1}, r.plan.goroutines...) {
			columns = append(columns, fmt.Sprintf("%s ×%d", use, g))
			at = append(at, func(store peers.Store) setting { return setting{store, use, g, defaultSize} })
		}
	}
	r.writeGrid(d, columns, at, func(nanos float64) string { return three(1e6 / nanos) })
}

func (r *results) writeSizes(d *report) {
	d.f("\n## Larger states\n\nTime of one request by one client. A cookie holds 4 KB; typedsession spreads 20 KB over several.\n")
	var columns []string
	var at []func(peers.Store) setting
	for _, use := range []string{"read", "write"} {
		for _, size := range append([]int{defaultSize}, r.plan.sizes...) {
			columns = append(columns, fmt.Sprintf("%s %s", use, bytesText(size)))
			at = append(at, func(store peers.Store) setting { return setting{store, use, 1, size} })
		}
	}
	r.writeGrid(d, columns, at, duration)
}

func (r *results) writeContention(d *report) {
	if r.contention == nil {
		return
	}
	d.f("\n## Many writers\n\nEach write counts a counter up. *Lost* are writes that were answered with a success and are not in the counter.\n"+
		"A slow handler lets other goroutines run between load and save. What is kept in cookies cannot be protected\n"+
		"from this: the goroutines share a cookie as tabs of a browser do. One goroutine behind a mutex makes %s thousand\n"+
		"writes a second at the floor of the memory store. Rates are medians of %d rounds of %v.\n", three(measure.Summarize(r.uncontended).Median/1e3),
		r.plan.contention.Rounds, r.plan.contention.Slice)
	for _, crowd := range crowds {
		r.writeCrowd(d, crowd.name, r.contention[crowd.name])
	}
}

// writeCrowd writes what came of a crowd at each contender.
func (r *results) writeCrowd(d *report, name string, fights []*fight) {
	d.f("\n### %s\n", name)
	d.table("", "thousand writes/s", "±", "writes", "tried again", "failed", "lost")
	for _, f := range fights {
		if f.err != nil {
			continue
		}
		rate := measure.Summarize(f.rates)
		again := percent(f.conflicts)
		if f.conflicts < 0 {
			again = "–"
		}
		lost := fmt.Sprint(f.lost)
		if f.writes > 0 && f.lost > 0 {
			lost += fmt.Sprintf(" (%.0f %%)", 100*float64(f.lost)/float64(f.writes))
		}
		lose := f.lost > 0 || f.failed > 0
		if f.contender.Role == peers.Peer {
			mine := fought(fights, ours, f.contender.Store)
			lose = mine != nil && measure.RatioOf(f.rates, mine.rates).Median > 1
		}
		d.row(lose, fmt.Sprintf("%s, %s", f.contender.Store, f.contender.Name),
			three(rate.Median/1e3), percent(rate.Spread()), fmt.Sprint(f.writes), again, fmt.Sprint(f.failed), lost)
	}
}

func (r *results) writeScale(d *report) {
	if len(r.scales) == 0 {
		return
	}
	d.f("\n## Many sessions in memory\n\nSessions of %d bytes without a subject, each store in a process of its own. *Stall* is the longest that one Load took, in ms, on an\n"+
		"idle store, during a sweep that finds nothing, and during one that finds a tenth expired, each the median of five;\n"+
		"on a machine with other work the idle one is not 0 either. scs holds its lock for the whole sweep. The latencies are those of reads\n"+
		"through the middleware from a small store beside it, while the collector runs three times.\n", payloadSize)
	d.table("", "B each", "B left each", "CPU of a GC, ms", "longest pause, ms", "p50, µs", "p99, µs", "sweep, ms", "stall idle", "none expired", "tenth expired")
	for _, s := range r.scales {
		sweep := "–"
		if s.SweepTen > 0 {
			sweep = fmt.Sprintf("%s / %s", three(s.SweepNone), three(s.SweepTen))
		}
		d.row(false, fmt.Sprintf("%s, %d", s.Library, s.Sessions), three(s.HeapEach), three(s.LeftEach), three(s.GCMillis),
			three(s.PauseMax), three(s.P50), three(s.P99), sweep, three(s.StallIdle), three(s.StallNone), three(s.StallTen))
	}
}

func (r *results) writeServers(d *report) {
	if len(r.servers) == 0 {
		return
	}
	d.f("\n## Behind a server\n\nnet/http on loopback, loaded by wrk over %d connections, which share %d sessions and the cores. %d rounds of %v.\n"+
		"The bare handler is presented the same cookies and does not look at them. As above, the heap carries ballast.\n",
		connections, clients, r.plan.servers.Rounds, r.plan.servers.Slice)
	d.table("", "thousand requests/s", "±", "of bare", "p50, ms", "p99, ms")
	for _, s := range r.servers {
		if s.err != nil {
			continue
		}
		bare := r.served("", s.contender.Store, peers.Untouched)
		if bare == nil {
			continue
		}
		name := fmt.Sprintf("%s, %s, %v", s.contender.Store, s.contender.Name, s.action)
		if s == bare {
			name = fmt.Sprintf("bare handler, cookies of %s", s.contender.Store)
		}
		rate := measure.Summarize(s.rates)
		mine := r.served(ours, s.contender.Store, s.action)
		lose := s.contender.Role == peers.Peer && mine != nil && s != bare && measure.RatioOf(s.rates, mine.rates).Median > 1
		d.row(lose, name, three(rate.Median/1e3), percent(rate.Spread()), fmt.Sprintf("%.2f", measure.RatioOf(s.rates, bare.rates).Median),
			three(measure.Summarize(s.p50).Median), three(measure.Summarize(s.p99).Median))
	}
}

func (r *results) writeSkipped(d *report) {
	d.f("\n## Left out, and why\n\n")
	for _, c := range peers.Contenders() {
		said := make(map[string]bool)
		for _, s := range r.plan.settings(c.Store) {
			if r.requests == nil {
				break
			}
			if j := r.requests.job(s, c.Name); j.Err != nil && !said[s.useCase] {
				said[s.useCase] = true
				d.f("- %s, %s, %s at %s: %v\n", c.Store, c.Name, s.useCase, bytesText(s.size), j.Err)
			}
		}
	}
	writeFailed(d, r.contention)
	if r.sql != nil {
		writeFailed(d, r.sql.contention)
		for _, group := range r.sql.requests {
			for _, j := range group {
				if j.Err != nil {
					d.f("- SQL, %s: %v\n", j.Name, j.Err)
				}
			}
		}
	}
	for _, s := range r.servers {
		if s.err != nil {
			d.f("- behind a server, %s, %s, %v: %v\n", s.contender.Store, s.contender.Name, s.action, s.err)
		}
	}
	for _, s := range r.skipped {
		d.f("- %s\n", s)
	}
	if largest := r.plan.scale[len(r.plan.scale)-1]; largest < 5_000_000 {
		d.f("- more than %d sessions in memory, in this profile: `make bench` goes to 5,000,000\n", largest)
	}
	d.f("- libraries with typed sessions: of those that are known to the authors none is served by the Go module proxy that was used\n" +
		"- Fiber behind wrk: its host is not net/http, and would be what is compared\n" +
		"- a remote Redis, TLS, and more cores than this machine has\n")
}

func writeFailed(d *report, contention map[string][]*fight) {
	for name, fights := range contention {
		for _, f := range fights {
			if f.err != nil {
				d.f("- %s, %s, %s: %v\n", f.contender.Store, f.contender.Name, name, f.err)
			}
		}
	}
}

func duration(nanos float64) string {
	switch {
	case nanos < 1e3:
		return three(nanos) + " ns"
	case nanos < 1e6:
		return three(nanos/1e3) + " µs"
	}
	return three(nanos/1e6) + " ms"
}

// three formats a number with about three digits that mean something.
func three(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

func bytesText(n int) string {
	if n >= 1000 {
		return fmt.Sprintf("%d KB", n/1000)
	}
	return fmt.Sprintf("%d B", n)
}
