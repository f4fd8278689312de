package cookie_test

import (
	"strings"
	"testing"

	"github.com/typedsession/typedsession/store/cookie"
)

func TestAllocations(t *testing.T) {
	st, rec := cookie.New(), newRecord()
	rec.Subject = strings.Repeat("subject", 10)
	rec.Payload = make([]byte, 200)
	ref := create(t, rec)
	ctx := t.Context()
	for _, test := range []struct {
		name string
		want float64
		f    func()
	}{
		{"Create builds the ref", 1, func() { st.Create(ctx, rec) }},
		{"Load copies the payload", 1, func() { st.Load(ctx, ref) }},
		{"Update builds the ref", 1, func() { st.Update(ctx, ref, 0, rec) }},
		{"Load of garbage", 0, func() { st.Load(ctx, "garbage") }},
	} {
		if got := testing.AllocsPerRun(100, test.f); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
