package suite

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// benchGoroutines is how many goroutines use the store at once.
const benchGoroutines = 16

// Bench measures reads and conditional writes of a session of 300 bytes for each
// goroutine.
func Bench(b *testing.B, db Database) {
	st := open(b, db, sqlstore.Options{Timeout: time.Minute})
	BenchStore(b, st)
}

// BenchStore measures a store.
func BenchStore(b *testing.B, st store.Store) {
	recs := make([]store.Record, benchGoroutines)
	for i := range recs {
		recs[i] = newRecord("ann")
		recs[i].Payload = make([]byte, 300)
		if err := st.Create(b.Context(), recs[i]); err != nil {
			b.Fatal(err)
		}
	}
	each := func(b *testing.B, op func(rec *store.Record) error) {
		var n atomic.Int64
		b.SetParallelism(benchGoroutines / runtime.GOMAXPROCS(0))
		b.RunParallel(func(pb *testing.PB) {
			rec := &recs[n.Add(1)-1]
			for pb.Next() {
				if err := op(rec); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("Load", func(b *testing.B) {
		each(b, func(rec *store.Record) error { _, err := st.Load(b.Context(), rec.ID); return err })
	})
	b.Run("Update", func(b *testing.B) {
		each(b, func(rec *store.Record) error {
			base := rec.Rev
			rec.Rev = store.NewRev()
			return st.Update(b.Context(), base, *rec)
		})
	})
}
