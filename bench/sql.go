package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
	"github.com/typedsession/typedsession/bench/internal/servers"
)

// sqlResults is what was measured on SQL databases.
type sqlResults struct {
	postgreSQL, mariaDB string // versions
	requests            requestResults
	contention          map[string][]*fight
}

var sqlStores = []peers.Store{peers.PostgreSQL, peers.MariaDB, peers.SQLite}

// sqlGoroutines is how many goroutines share a database.
var sqlGoroutines = []int{1, 16}

var sqlCrowds = []crowd{
	{"16 goroutines, one session", 1, 16, peers.Write},
	{"16 goroutines, 1,000 sessions", 1000, 16, peers.Write},
}

// sqlSettings returns what is measured of each contender of a database.
func sqlSettings(store peers.Store) (all []setting) {
	for _, use := range []string{"read", "write"} {
		for _, g := range sqlGoroutines {
			all = append(all, setting{store, use, g, defaultSize})
		}
	}
	return all
}

// measureSQL starts the servers and compares the contenders on them. If a server
// is not installed, the part is skipped.
func (r *results) measureSQL(ctx context.Context, env peers.Env) error {
	server, err := servers.StartSQL(ctx)
	if errors.Is(err, servers.ErrNotInstalled) {
		r.skipped = append(r.skipped, "SQL databases: "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	defer server.Close()
	env.PostgresAddr, env.MariaDBAddr = server.PostgresAddr, server.MariaDBAddr
	found := &sqlResults{postgreSQL: server.PostgreSQL, mariaDB: server.MariaDB}
	if found.requests, err = measureSQLRequests(ctx, env, r.plan.sql); err != nil {
		return err
	}
	fights := newContention(env, peers.SQLContenders(), sqlCrowds)
	defer fights.close()
	if err := fights.run(ctx, r.plan.sql, rounds("contention, SQL", r.plan.sql), nil); err != nil {
		return err
	}
	found.contention = fights.results
	r.sql = found
	return nil
}

// measureSQLRequests closes its sites at the end, whose connections would count
// against the servers' limits.
func measureSQLRequests(ctx context.Context, env peers.Env, plan measure.Plan) (requestResults, error) {
	sites := &sitePool{env: env, open: make(map[siteKey]*place)}
	defer sites.close()
	results := make(requestResults)
	var groups []measure.Group
	for _, store := range sqlStores {
		for _, s := range sqlSettings(store) {
			var group measure.Group
			for _, c := range peers.SQLContenders() {
				if c.Store == store {
					group = append(group, sites.job(c, s))
				}
			}
			results[s] = group
			groups = append(groups, group)
		}
	}
	return results, measure.Run(ctx, plan, groups, rounds("SQL", plan))
}

func (r *results) writeSQL(d *report) {
	if r.sql == nil {
		return
	}
	d.f("\n## SQL databases\n\nPostgreSQL %s and MariaDB %s on loopback, without waiting for the disk, and SQLite in WAL mode with\n"+
		"synchronous(NORMAL), a state of %d bytes. %d connections each, all kept. The last columns say how many times as\n"+
		"long as ours a request takes, which is how many times the requests ours serves in the same time. A write loads the\n"+
		"session too. %d rounds of %v.\n", r.sql.postgreSQL, r.sql.mariaDB, defaultSize, peers.SQLConnections, r.plan.sql.Rounds, r.plan.sql.Slice)
	var columns, ratios []string
	for _, s := range sqlSettings("") {
		columns = append(columns, fmt.Sprintf("%s ×%d", s.useCase, s.goroutines))
		ratios = append(ratios, fmt.Sprintf("× ours, %s ×%d", s.useCase, s.goroutines))
	}
	d.table(append(append([]string{""}, columns...), ratios...)...)
	for _, c := range peers.SQLContenders() {
		cells := []string{fmt.Sprintf("%s, %s %s", c.Store, c.Name, c.Note)}
		var times, rates []string
		for _, s := range sqlSettings(c.Store) {
			j, mine := r.sql.requests.job(s, c.Name), r.sql.requests.job(s, ours)
			if j.Err != nil || mine.Err != nil {
				times, rates = append(times, "–"), append(rates, "–")
				continue
			}
			ratio := s.time().Ratio(j, mine).Median
			text := three(ratio)
			if c.Role == peers.Peer && ratio < 1 {
				text = "**" + text + "**"
			}
			times, rates = append(times, duration(s.time().Of(j).Median)), append(rates, text)
		}
		d.row(false, append(append(cells, times...), rates...)...)
	}
	for _, crowd := range sqlCrowds {
		r.writeCrowd(d, crowd.name, r.sql.contention[crowd.name])
	}
}
