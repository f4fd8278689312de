package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"

	"github.com/typedsession/typedsession/store"
)

// BenchmarkRequest is a whole request through Wrap, whose handler writes two
// bytes. bench/ compares it with its floor and with other libraries.
func BenchmarkRequest(b *testing.B) {
	done := []byte("ok")
	handlers := map[string]http.HandlerFunc{
		"untouched": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(done) },
		"read": func(w http.ResponseWriter, r *http.Request) {
			if from(r).State().User == "" {
				panic("the session was lost")
			}
			_, _ = w.Write(done)
		},
		"write": func(w http.ResponseWriter, r *http.Request) {
			from(r).Update(func(s *state) { s.Count++ })
			_, _ = w.Write(done)
		},
	}
	for name, st := range map[string]func() store.Store{
		"memory": func() store.Store { return memory.New() },
		"cookie": func() store.Store { return cookie.New() },
	} {
		for _, use := range []string{"untouched", "read", "write"} {
			b.Run(name+"/"+use, func(b *testing.B) {
				m := newManager(b, st())
				visitor := newBrowser(b, nil)
				visitor.do(m, login)
				request := httptest.NewRequest(http.MethodGet, "/", nil)
				request.Header.Set("Cookie", visitor.request("/").Header.Get("Cookie"))
				handler := m.Wrap(handlers[use])
				w := discardingWriter{http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					handler.ServeHTTP(w, request)
				}
			})
		}
	}
}
