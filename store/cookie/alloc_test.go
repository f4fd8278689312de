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
	text := encode(t, rec)
	for _, test := range []struct {
		name string
		want float64
		f    func()
	}{
		{"Encode builds the text", 1, func() { st.Encode(rec) }},
		{"Decode copies the payload", 1, func() { st.Decode(text) }},
		{"Decode of garbage", 0, func() { st.Decode("garbage") }},
	} {
		if got := testing.AllocsPerRun(100, test.f); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
