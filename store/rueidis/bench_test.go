package rueidis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// BenchmarkStore measures operations by a number of goroutines. The session is a
// different one for each, so that no update meets a conflict.
func BenchmarkStore(b *testing.B) {
	st := open(b, "redis://"+redistest.Start(b).Addr, rueidis.Options{})
	for _, goroutines := range []int{1, 8, 64} {
		run := func(name string, op func(st *rueidis.Store, b *testing.B, pb *testing.PB)) {
			b.Run(fmt.Sprintf("%s/%d", name, goroutines), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(max(goroutines/2, 1))
				b.RunParallel(func(pb *testing.PB) { op(st, b, pb) })
			})
		}
		run("load", func(st *rueidis.Store, b *testing.B, pb *testing.PB) {
			rec := newRecord()
			rec.Payload = make([]byte, 200)
			if err := st.Create(b.Context(), rec); err != nil {
				b.Fatal(err)
			}
			for pb.Next() {
				if _, err := st.Load(b.Context(), rec.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
		run("update", func(st *rueidis.Store, b *testing.B, pb *testing.PB) {
			rec := newRecord()
			rec.Payload = make([]byte, 200)
			if err := st.Create(b.Context(), rec); err != nil {
				b.Fatal(err)
			}
			for pb.Next() {
				later := next(rec)
				if err := st.Update(b.Context(), rec.Rev, later); err != nil {
					b.Fatal(err)
				}
				rec = later
			}
		})
		run("login", func(st *rueidis.Store, b *testing.B, pb *testing.PB) {
			for pb.Next() {
				rec := asLogin(newRecord(), newRecord().ID.String(), time.Now())
				if err := st.Create(b.Context(), rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
