package session_test

import (
	"io"
	"math"
	"net/http"
	"testing"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// allocations returns the least that run allocates. Under the race detector a
// sync.Pool forgets at random, on purpose, which makes an average useless.
func allocations(run func()) float64 {
	least := math.Inf(1)
	for range 100 {
		least = min(least, testing.AllocsPerRun(1, run))
	}
	return least
}

// discardingWriter is a ResponseWriter that costs nothing.
type discardingWriter struct{ header http.Header }

func (w discardingWriter) Header() http.Header         { return w.header }
func (w discardingWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w discardingWriter) WriteHeader(int)             {}

// capableWriter is one that can do as much as those of net/http.
type capableWriter struct {
	discardingWriter
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}

// request returns a function that asks a handler of m, with the cookies of b.
func request(w http.ResponseWriter, m *session.Manager[state], b *browser, handler http.HandlerFunc) func() {
	h, r := m.Wrap(handler), b.request("/")
	return func() {
		clear(w.Header())
		h.ServeHTTP(w, r)
	}
}

func TestAllocationsOfARequestWithoutSession(t *testing.T) {
	st := newSpyStore()
	m := newManager(t, st)
	known := newBrowser(t, nil)
	known.do(m, increment)
	for name, b := range map[string]*browser{
		"no cookie":     newBrowser(t, nil),
		"a session":     known,
		"another's":     newBrowserWith(t, map[string]string{"theme": "dark"}),
		"a bad session": newBrowserWith(t, map[string]string{"__Host-session": "x"}),
	} {
		calls := st.calls.Load()
		for way, handler := range map[string]http.HandlerFunc{
			"nothing": func(http.ResponseWriter, *http.Request) {},
			"Write": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write(nil)
			},
		} {
			for _, w := range []http.ResponseWriter{discardingWriter{http.Header{}}, capableWriter{discardingWriter: discardingWriter{http.Header{}}}} {
				if got := allocations(request(w, m, b, handler)); got > 2 {
					t.Errorf("%s, %s, %T: %v allocations, want at most 2", name, way, w, got)
				}
			}
		}
		if got := st.calls.Load() - calls; got != 0 {
			t.Errorf("%s: %d calls of the store", name, got)
		}
	}
}

func TestAllocationsOfReading(t *testing.T) {
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	value := state{User: "alice", Count: 3, Note: "a note", Items: map[string]int{"a": 1, "b": 2}}
	b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *state) { *s = value })
	})
	c := codec.MsgPack[state]()
	encoded, err := c.Append(nil, &value)
	if err != nil {
		t.Fatal(err)
	}
	decoding := allocations(func() {
		var s state
		if err := c.Decode(encoded, &s); err != nil {
			t.Error(err)
		}
	})
	got := allocations(request(discardingWriter{http.Header{}}, m, b, func(_ http.ResponseWriter, r *http.Request) {
		if from(r).State().User != "alice" {
			t.Error("another state")
		}
	}))
	if beyond := got - decoding; beyond > 6 {
		t.Errorf("%v allocations beyond the %v of decoding, want at most 6", beyond, decoding)
	}
}
