package model_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	client "github.com/redis/rueidis"
	"pgregory.net/rapid"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestRedis runs schedules on a real server, behind a proxy that cuts
// connections where the schedule says so: what the store then does must look as
// if nothing had happened. Time is the real one, so that nothing expires, and
// every tab is a process of its own, so that none waits for another.
func TestRedis(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	// One connection, so that it is the one to be cut.
	c, err := client.NewClient(client.ClientOption{
		InitAddress: []string{proxy.Addr}, PipelineMultiplex: -1, DisableCache: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	gen := stepOf(cutRequest, cutAnswer)
	schedules, unknown := 0, 0
	var cuts atomic.Int64
	runs := runner{run: func(s setup, schedule []step) (string, *trace) {
		schedules++
		st, err := rueidis.New(c, rueidis.Options{Prefix: fmt.Sprint("model", schedules, ":")})
		if err != nil {
			t.Fatal(err)
		}
		s.store = st
		failure, what := run(s, schedule)
		if what == nil {
			unknown++
		}
		return failure, what
	}}
	check(t, 400, func(rt *rapid.T) {
		s := setup{
			processes:  true,
			perSubject: rapid.IntRange(0, 2).Draw(rt, "MaxSessionsPerSubject"),
			proxy:      proxy,
			cuts:       &cuts,
		}
		runs.check(rt, s, drawSchedule(rt, gen))
	})
	t.Logf("%d schedules with %d broken connections, %d of them given up", schedules, cuts.Load(), unknown)
	if cuts.Load() == 0 || unknown > schedules/10 {
		t.Error("which shows nothing")
	}
}
