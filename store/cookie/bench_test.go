package cookie_test

import (
	"testing"

	"github.com/typedsession/typedsession/store/cookie"
)

func BenchmarkEncode(b *testing.B) {
	st, rec := cookie.New(), newRecord()
	rec.Payload = make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Encode(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	st, rec := cookie.New(), newRecord()
	rec.Payload = make([]byte, 200)
	text := encode(b, rec)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
