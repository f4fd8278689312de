package memory_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// filled returns a store and the records in it.
func filled(b *testing.B, n int) (*memory.Store, []session.Record) {
	b.Helper()
	st := memory.New()
	recs := make([]session.Record, n)
	for i := range recs {
		recs[i] = newRecord(time.Hour)
		create(b, st, recs[i])
	}
	return st, recs
}

func BenchmarkLoad(b *testing.B) {
	st, recs := filled(b, 10_000)
	refs := make([]string, len(recs))
	for i, rec := range recs {
		refs[i] = rec.ID.String()
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx, i := context.Background(), rand.IntN(len(refs))
		for pb.Next() {
			if _, err := st.Load(ctx, refs[i%len(refs)]); err != nil {
				b.Error(err)
			}
			i++
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	st, recs := filled(b, 10_000)
	var started atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		// Each goroutine has records of its own, so that none is in conflict.
		share := len(recs) / runtime.GOMAXPROCS(0)
		n := int(started.Add(1) - 1)
		own := slices.Clone(recs[n*share : (n+1)*share])
		refs := make([]string, share)
		for i, rec := range own {
			refs[i] = rec.ID.String()
		}
		ctx, i := context.Background(), 0
		for pb.Next() {
			rec := &own[i%share]
			base := rec.Rev
			rec.Rev++
			if _, err := st.Update(ctx, refs[i%share], base, *rec); err != nil {
				b.Error(err)
			}
			i++
		}
	})
}

// BenchmarkSweep also reports how long the longest Load took meanwhile.
//
//	go test -run - -bench Sweep -benchtime 3x -args -sessions 1000000
func BenchmarkSweep(b *testing.B) {
	for _, test := range []struct {
		name  string
		every int // one in so many sessions has expired; 0: none
	}{{"expired=none", 0}, {"expired=tenth", 10}, {"expired=all", 1}} {
		b.Run(test.name, func(b *testing.B) {
			var longest time.Duration
			for range b.N {
				b.StopTimer()
				st, recs := filled(b, *sessions)
				for i, rec := range recs {
					if test.every != 0 && i%test.every == 0 {
						expire(b, st, rec)
					}
				}
				var swept atomic.Bool
				loads := make(chan time.Duration)
				go func() { loads <- longestLoad(st, recs, &swept) }()
				b.StartTimer()
				st.Sweep()
				b.StopTimer()
				swept.Store(true)
				longest = max(longest, <-loads)
			}
			b.ReportMetric(float64(longest.Microseconds()), "longest-load-µs")
		})
	}
}

// expire makes a session expire an hour ago.
func expire(b *testing.B, st *memory.Store, rec session.Record) {
	b.Helper()
	next := rec
	next.Rev++
	next.Expires = time.Now().Add(-time.Hour)
	if _, err := st.Update(b.Context(), rec.ID.String(), rec.Rev, next); err != nil {
		b.Fatal(err)
	}
}

// longestLoad loads one record after the other until done is set and returns
// the longest time that one took.
func longestLoad(st *memory.Store, recs []session.Record, done *atomic.Bool) time.Duration {
	var longest time.Duration
	for i := 0; !done.Load(); i++ {
		ref := recs[i%len(recs)].ID.String()
		start := time.Now()
		_, _ = st.Load(context.Background(), ref) // found or not, it waits its turn
		longest = max(longest, time.Since(start))
	}
	return longest
}
