package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// filled returns a store and the records in it.
func filled(b *testing.B, n int) (*memory.Store, []store.Record) {
	b.Helper()
	st := memory.New()
	recs := make([]store.Record, n)
	for i := range recs {
		recs[i] = newRecord(time.Hour)
		create(b, st, recs[i])
	}
	return st, recs
}

func BenchmarkLoad(b *testing.B) {
	st, recs := filled(b, 10_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		ctx, i := context.Background(), rand.IntN(len(recs))
		for pb.Next() {
			if _, err := st.Load(ctx, recs[i%len(recs)].ID); err != nil {
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
		ctx, i := context.Background(), 0
		for pb.Next() {
			rec := &own[i%share]
			base := rec.Rev
			rec.Rev++
			if err := st.Update(ctx, base, *rec); err != nil {
				b.Error(err)
			}
			i++
		}
	})
}

// BenchmarkLogin creates a session of a subject that has others.
func BenchmarkLogin(b *testing.B) {
	for _, others := range []int{0, 10, 100_000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			st := memory.New()
			for range others {
				create(b, st, newLogin("alice"))
			}
			rec := newLogin("alice")
			b.ReportAllocs()
			for b.Loop() {
				rec.ID = store.NewID()
				create(b, st, rec)
				_ = st.Delete(b.Context(), rec.ID) // keeps the number of sessions
			}
		})
	}
}

// BenchmarkDeleteExpired also reports the longest Load during the sweep.
//
//	go test -run - -bench DeleteExpired -benchtime 3x -args -sessions 1000000
func BenchmarkDeleteExpired(b *testing.B) {
	for _, test := range []struct {
		name  string
		every int // every how many sessions one has expired; 0: none
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
				st.DeleteExpired()
				b.StopTimer()
				swept.Store(true)
				longest = max(longest, <-loads)
			}
			b.ReportMetric(float64(longest.Microseconds()), "longest-load-µs")
		})
	}
}

// expire makes a session expire an hour ago.
func expire(b *testing.B, st *memory.Store, rec store.Record) {
	b.Helper()
	next := rec
	next.Rev++
	next.Expires = time.Now().Add(-time.Hour)
	if err := st.Update(b.Context(), rec.Rev, next); err != nil {
		b.Fatal(err)
	}
}

// longestLoad loads one record after the other until done is set and returns the
// longest time that a Load took.
func longestLoad(st *memory.Store, recs []store.Record, done *atomic.Bool) time.Duration {
	var longest time.Duration
	for i := 0; !done.Load(); i++ {
		id := recs[i%len(recs)].ID
		start := time.Now()
		_, _ = st.Load(context.Background(), id) // found or not, it waits for the lock
		longest = max(longest, time.Since(start))
	}
	return longest
}
