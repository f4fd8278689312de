package rueidis_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// newCounter returns a record that counts from zero.
func newCounter() store.Record {
	rec := newRecord()
	rec.Payload = make([]byte, 8)
	return rec
}

// increment increases the counter in a record, as a manager changes a state, and
// returns how many conflicts it met.
func increment(ctx context.Context, st store.Store, id store.ID) (conflicts int64, err error) {
	rec, err := st.Load(ctx, id)
	if err != nil {
		return 0, err
	}
	for {
		more := next(rec)
		more.Payload = binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(rec.Payload)+1)
		err := st.Update(ctx, rec.Rev, more)
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			return conflicts, err
		}
		conflicts++
		rec = conflict.Current
	}
}

// TestTwoProcesses has two stores, each with a client of its own as two processes
// would have, change one session at once.
func TestTwoProcesses(t *testing.T) {
	const changes = 200 // each
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		stores := []*rueidis.Store{
			open(t, "redis://"+s.Addr, rueidis.Options{}),
			open(t, "redis://"+s.Addr, rueidis.Options{}),
		}
		rec := newCounter()
		if err := stores[0].Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, st := range stores {
			for range changes {
				wg.Go(func() {
					if _, err := increment(t.Context(), st, rec.ID); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		got, err := stores[1].Load(t.Context(), rec.ID)
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.BigEndian.Uint64(got.Payload); n != 2*changes {
			t.Errorf("counted %d, want %d", n, 2*changes)
		}
	})
}
