package cookie_test

import (
	"testing"

	"github.com/typedsession/typedsession/store/cookie"
)

func BenchmarkCreate(b *testing.B) {
	st, rec := cookie.New(), newRecord()
	rec.Payload = make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Create(b.Context(), rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	st, rec := cookie.New(), newRecord()
	rec.Payload = make([]byte, 200)
	ref := create(b, rec)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Load(b.Context(), ref); err != nil {
			b.Fatal(err)
		}
	}
}
