package main

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
	"github.com/typedsession/typedsession/bench/internal/servers"
)

// BenchmarkRequest measures the same as the command, for profiles:
//
//	go test -run - -bench 'Request/memory/read/typedsession$' -cpuprofile cpu.out
func BenchmarkRequest(b *testing.B) {
	ballast := measure.Ballast(ballastSize)
	env := peers.Env{}
	if redis, err := servers.StartRedis(context.Background()); err == nil {
		defer redis.Close()
		env.RedisAddr = redis.Addr
	}
	sites := &sitePool{env: env, open: make(map[siteKey]*place)}
	defer sites.close()
	for _, use := range useCases {
		for _, c := range peers.Contenders() {
			if c.Store == peers.Redis && env.RedisAddr == "" {
				continue
			}
			b.Run(fmt.Sprintf("%s/%s/%s", c.Store, use.name, c.Name), func(b *testing.B) {
				run, done, err := sites.job(c, setting{c.Store, use.name, 1, defaultSize}).Open()
				if err != nil {
					b.Skip(err)
				}
				defer done()
				b.ReportAllocs()
				b.ResetTimer()
				cpu := measure.CPU()
				if err := run(b.N); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(measure.CPU()-cpu)/float64(b.N), "cpu-ns/op")
			})
		}
	}
	runtime.KeepAlive(ballast)
}
