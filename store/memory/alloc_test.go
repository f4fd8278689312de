package memory_test

import (
	"testing"
	"time"

	"github.com/typedsession/typedsession/store/memory"
)

func TestAllocations(t *testing.T) {
	st := memory.New()
	rec := newRecord(time.Hour)
	rec.Subject = "somebody@example.com"
	ref := create(t, st, rec)
	empty := newRecord(time.Hour)
	empty.Payload = nil
	emptyRef := create(t, st, empty)
	ctx := t.Context()

	for _, test := range []struct {
		name string
		want float64
		f    func()
	}{
		{"Load copies the payload", 1, func() { st.Load(ctx, ref) }},
		{"Load of an empty payload", 0, func() { st.Load(ctx, emptyRef) }},
		{"Load of an unknown ID", 0, func() { st.Load(ctx, "0123456789abcdef0123456789abcdef") }},
		{"Update copies the record", 1, func() {
			next := rec
			next.Rev++
			st.Update(ctx, ref, rec.Rev, next)
			rec.Rev = next.Rev
		}},
	} {
		if got := testing.AllocsPerRun(100, test.f); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
