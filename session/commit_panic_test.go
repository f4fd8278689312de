package session_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/typedsession/typedsession/session"
)

// ends are the ways in which a handler ends without returning.
var ends = map[string]struct {
	value any // that goes up the stack; nil is runtime.Goexit
	end   func()
}{
	"a value":         {errPanic, func() { panic(errPanic) }},
	"ErrAbortHandler": {http.ErrAbortHandler, func() { panic(http.ErrAbortHandler) }},
	"Goexit":          {nil, runtime.Goexit},
}

var errPanic = errors.New("the handler's own value")

// unwind runs fn in a goroutine and returns what it panicked with, and whether
// it returned.
func unwind(fn func()) (value any, returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if !returned {
				value = recover()
			}
		}()
		fn()
		returned = true
	}()
	<-done
	return value, returned
}

func TestCommit5PanicCommitsNothing(t *testing.T) {
	destroy := func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }
	flush := func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }
	nothing := func(http.ResponseWriter, *http.Request) {}
	tests := []struct {
		name string
		act  []http.HandlerFunc
		want string // of the store
		sets int    // cookies
	}{
		{"before anything", []http.HandlerFunc{nothing}, "", 0},
		{"after a look", []http.HandlerFunc{func(_ http.ResponseWriter, r *http.Request) { from(r) }}, "load", 0},
		{"after a change", []http.HandlerFunc{increment}, "load", 0},
		{"after a login", []http.HandlerFunc{login}, "load", 0},
		{"after a logout", []http.HandlerFunc{destroy}, "load", 0},
		{"after a flush", []http.HandlerFunc{flush}, "", 0},
		{"after a change that was flushed", []http.HandlerFunc{login, flush}, "load update", 1},
		{"after a change that came after a flush", []http.HandlerFunc{flush, increment}, "load", 0},
		{"after a logout that came after a flush", []http.HandlerFunc{flush, destroy}, "load", 0},
		{"after one change before and one after a flush", []http.HandlerFunc{login, flush, increment}, "load update", 1},
		{"inside Update", []http.HandlerFunc{increment, func(w http.ResponseWriter, r *http.Request) {
			from(r).Update(func(s *state) { s.Count++; panicOrExit(w) })
		}}, "load", 0},
		{"inside Update, after a logout", []http.HandlerFunc{destroy, func(w http.ResponseWriter, r *http.Request) {
			from(r).Update(func(*state) { panicOrExit(w) })
		}}, "load", 0},
		{"inside Transact", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			_ = from(r).Transact(r.Context(), func(s *state) error { s.Count++; panicOrExit(w); return nil })
		}}, "load load", 0},
	}
	for _, test := range tests {
		for end, e := range ends {
			t.Run(test.name+"/"+end, func(t *testing.T) {
				st := newJournalStore()
				m := newManager(t, st)
				b := newBrowser(t, nil)
				b.do(m, increment)
				st.ops()
				recorder := httptest.NewRecorder()
				var kept http.ResponseWriter
				handler := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					kept = w
					for _, act := range test.act {
						act(exitingWriter{w, e.end}, r)
					}
					e.end()
				}))
				value, returned := unwind(func() { handler.ServeHTTP(recorder, b.request("/")) })
				if returned || value != e.value {
					t.Errorf("the handler ended with %v (returned: %v), want %v", value, returned, e.value)
				}
				if got := st.ops(); got != test.want {
					t.Errorf("the store was asked for %q, want %q", got, test.want)
				}
				// What a recovering middleware says, through whichever writer.
				kept.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(kept, "sorry")
				_ = http.NewResponseController(kept).Flush()
				if got := st.ops(); got != "" {
					t.Errorf("afterwards the store was asked for %q", got)
				}
				if got := setCookies(recorder.Header()); len(got) != test.sets {
					t.Errorf("cookies: %v, want %d", got, test.sets)
				}
				if got := recorder.Body.String(); got != "sorry" {
					t.Errorf("the body is %q", got)
				}
			})
		}
	}
}

// exitingWriter is a writer with a function by which the handler is to end.
type exitingWriter struct {
	http.ResponseWriter
	end func()
}

func (e exitingWriter) Flush()          { e.ResponseWriter.(http.Flusher).Flush() }
func panicOrExit(w http.ResponseWriter) { w.(exitingWriter).end() }

// A change of a session whose handler has panicked is reported.
func TestCommit5ChangesAfterAPanicAreReported(t *testing.T) {
	var ev recordingObserver
	m := newManager(t, newSpyStore(), ev.observed)
	var s *session.Session[state]
	unwind(func() {
		newBrowser(t, nil).do(m, func(_ http.ResponseWriter, r *http.Request) {
			s = from(r)
			panic("x")
		})
	})
	s.Update(func(s *state) { s.Count++ })
	if errs := ev.failures(); len(errs) != 1 || !errors.Is(errs[0], session.ErrCommitted) {
		t.Errorf("failures: %v, want ErrCommitted", errs)
	}
}

// A panic that is recovered before it comes to Wrap is no concern of its.
func TestCommit5RecoveredInsideIsAReturn(t *testing.T) {
	m := newManager(t, newSpyStore())
	b := newBrowser(t, nil)
	got := b.do(m, func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			_ = recover()
			w.WriteHeader(http.StatusInternalServerError)
		}()
		increment(w, r)
		from(r).Update(func(s *state) { s.Count = 99; panic("half a change") })
	})
	if got.StatusCode != http.StatusInternalServerError || !sets(got.Header, "__Host-session") {
		t.Errorf("answer: %s %v", got.Status, got.Header)
	}
	if n := b.read(m).Count; n != 1 {
		t.Errorf("Count = %d, want 1: the Update that panicked is no part of it", n)
	}
}

// A status code that net/http refuses by a panic is a panic like any other.
func TestCommit5BadStatusCodeCommitsNothing(t *testing.T) {
	for _, code := range []int{-1, 0, 99, 1000} {
		st := newJournalStore()
		m := newManager(t, st)
		value, _ := unwind(func() {
			newBrowser(t, nil).do(m, func(w http.ResponseWriter, r *http.Request) {
				increment(w, r)
				w.WriteHeader(code)
			})
		})
		if value == nil || st.ops() != "" {
			t.Errorf("WriteHeader(%d) panicked with %v and was committed", code, value)
		}
	}
}

func TestCommit5PanicReachesTheServer(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for name, flushed := range map[string]bool{"silent": false, "flushed": true} {
			t.Run(name, func(t *testing.T) {
				m := newManager(t, newSpyStore())
				values := make(chan any, 1)
				s := serve(watchPanics(values, m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					increment(w, r)
					switch {
					case r.URL.Path == "/begin":
						return
					case flushed:
						_ = http.NewResponseController(w).Flush()
						increment(w, r)
					}
					if r.URL.Path == "/abort" {
						panic(http.ErrAbortHandler)
					}
					panic(errPanic)
				}))))
				s.mayLog = true
				s.get("/begin")
				for path, want := range map[string]any{"/abort": http.ErrAbortHandler, "/panic": errPanic} {
					// A GET would be sent again.
					response, err := s.client.Do(s.request(http.MethodPost, path, nil))
					if (err == nil) != flushed {
						t.Errorf("%s: %v", path, err)
					}
					if err == nil {
						if _, err = io.ReadAll(response.Body); err == nil {
							t.Errorf("%s: the body came to a good end", path)
						}
						response.Body.Close()
					}
					if got := <-values; got != want {
						t.Errorf("%s: net/http sees %v, want %v", path, got, want)
					}
				}
				want := 1
				if flushed {
					want = 3 // one by each flush
				}
				if n := s.browser().read(m).Count; n != want {
					t.Errorf("Count = %d, want %d", n, want)
				}
			})
		}
	})
}

// watchPanics shows what passes through it, and lets it pass.
func watchPanics(values chan<- any, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if value := recover(); value != nil {
				values <- value
				panic(value)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
