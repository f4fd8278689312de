package memory_test

import (
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

func TestAllocations(t *testing.T) {
	st := memory.New()
	rec := newRecord(time.Hour)
	rec.Subject = "alice@example.com"
	id := create(t, st, rec)
	empty := newRecord(time.Hour)
	empty.Payload = nil
	emptyID := create(t, st, empty)
	ctx := t.Context()

	for _, test := range []struct {
		name string
		want float64
		f    func()
	}{
		{"Load", 0, func() { st.Load(ctx, id) }},
		{"Load of an empty payload", 0, func() { st.Load(ctx, emptyID) }},
		{"Load of an unknown ID", 0, func() { st.Load(ctx, store.ID{1}) }},
		{"Update copies the payload", 1, func() {
			next := rec
			next.Rev++
			st.Update(ctx, rec.Rev, next)
			rec.Rev = next.Rev
		}},
	} {
		if got := testing.AllocsPerRun(100, test.f); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
