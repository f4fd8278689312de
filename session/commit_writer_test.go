package session_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// recordingWriter is a ResponseWriter without optional methods. It records for each
// call how many cookies the header holds by then.
type recordingWriter struct {
	header http.Header
	calls  []string
}

func (b *recordingWriter) note(call string) {
	b.calls = append(b.calls, call+strings.Repeat(" cookie", len(b.header["Set-Cookie"])))
}

func (b *recordingWriter) Header() http.Header         { return b.header }
func (b *recordingWriter) WriteHeader(int)             { b.note("WriteHeader") }
func (b *recordingWriter) Write(p []byte) (int, error) { b.note("Write"); return len(p), nil }

// The abilities that a writer may have beyond that.
type (
	flusher      struct{ *recordingWriter }
	errorFlusher struct{ *recordingWriter }
	hijacker     struct{ *recordingWriter }
	readerFrom   struct{ *recordingWriter }
)

func (f flusher) Flush()                 { f.note("Flush") }
func (f errorFlusher) FlushError() error { f.note("FlushError"); return nil }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.note("Hijack")
	return nil, nil, nil
}

func (r readerFrom) ReadFrom(io.Reader) (int64, error) { r.note("ReadFrom"); return 0, nil }

// The interfaces of those abilities.
type (
	flushErrorer interface{ FlushError() error }
	unwrapper    interface{ Unwrap() http.ResponseWriter }
)

// unwrappingWriter is a middleware's writer that has an Unwrap and no more.
type unwrappingWriter struct {
	http.ResponseWriter
	inner http.ResponseWriter
}

func (a unwrappingWriter) Unwrap() http.ResponseWriter { return a.inner }

// hides the abilities of w, except through Unwrap.
func hide(b *recordingWriter, w http.ResponseWriter) http.ResponseWriter {
	return unwrappingWriter{b, w}
}

func TestCommit2WriterCanDoWhatTheWrappedOneCan(t *testing.T) {
	type writer = http.ResponseWriter
	tests := []struct {
		name string
		of   func(b *recordingWriter) http.ResponseWriter
		want string // what the handler finds, and what each reaches
	}{
		{"none", func(b *recordingWriter) writer { return b }, ""},
		{"F", func(b *recordingWriter) writer { return flusher{b} }, "Flush"},
		{"H", func(b *recordingWriter) writer { return hijacker{b} }, "Hijack"},
		{"R", func(b *recordingWriter) writer { return readerFrom{b} }, "ReadFrom"},
		{"FH", func(b *recordingWriter) writer {
			return struct {
				writer
				http.Flusher
				http.Hijacker
			}{b, flusher{b}, hijacker{b}}
		}, "Flush Hijack"},
		{"FR", func(b *recordingWriter) writer {
			return struct {
				writer
				http.Flusher
				io.ReaderFrom
			}{b, flusher{b}, readerFrom{b}}
		}, "Flush ReadFrom"},
		{"HR", func(b *recordingWriter) writer {
			return struct {
				writer
				http.Hijacker
				io.ReaderFrom
			}{b, hijacker{b}, readerFrom{b}}
		}, "Hijack ReadFrom"},
		{"FHR", func(b *recordingWriter) writer {
			return struct {
				writer
				http.Flusher
				http.Hijacker
				io.ReaderFrom
			}{b, flusher{b}, hijacker{b}, readerFrom{b}}
		}, "Flush Hijack ReadFrom"},
		{"F that returns its error", func(b *recordingWriter) writer { return errorFlusher{b} }, "FlushError"},
		{"F behind Unwrap", func(b *recordingWriter) writer { return hide(b, flusher{b}) }, "Flush"},
		{"H behind two Unwraps", func(b *recordingWriter) writer { return hide(b, hide(b, hijacker{b})) }, "Hijack"},
		{"F and H at different depths", func(b *recordingWriter) writer {
			return hide(b, struct {
				flusher
				unwrapper
			}{flusher{b}, unwrappingWriter{b, hijacker{b}}})
		}, "Flush Hijack"},
		// Whoever wraps a writer without passing ReadFrom on wants the bytes.
		{"R behind Unwrap", func(b *recordingWriter) writer { return hide(b, readerFrom{b}) }, ""},
		{"an Unwrap that returns nil", func(b *recordingWriter) writer { return hide(b, nil) }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, newSpyStore())
			// use runs one request, in which the session is changed, and returns
			// what reached the wrapped writer and with how many cookies.
			use := func(how func(w http.ResponseWriter)) string {
				b := &recordingWriter{header: http.Header{}}
				m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					increment(w, r)
					how(w)
				})).ServeHTTP(test.of(b), newBrowser(t, nil).request("/"))
				return strings.Join(b.calls, ", ")
			}
			want := func(ability string) string {
				for _, call := range strings.Fields(test.want) {
					if strings.HasPrefix(call, ability) {
						return call + " cookie"
					}
				}
				return ""
			}
			got := use(func(w http.ResponseWriter) {
				if f, ok := w.(http.Flusher); ok {
					f.Flush()
				}
			})
			if got != want("Flush") {
				t.Errorf("Flush reached %q, want %q", got, want("Flush"))
			}
			got = use(func(w http.ResponseWriter) {
				if f, ok := w.(flushErrorer); ok {
					_ = f.FlushError()
				}
			})
			if got != want("Flush") {
				t.Errorf("FlushError reached %q, want %q", got, want("Flush"))
			}
			got = use(func(w http.ResponseWriter) {
				if h, ok := w.(http.Hijacker); ok {
					_, _, _ = h.Hijack()
				}
			})
			if got != want("Hijack") {
				t.Errorf("Hijack reached %q, want %q", got, want("Hijack"))
			}
			got = use(func(w http.ResponseWriter) {
				if r, ok := w.(io.ReaderFrom); ok {
					_, _ = r.ReadFrom(strings.NewReader("x"))
				}
			})
			if got != want("ReadFrom") {
				t.Errorf("ReadFrom reached %q, want %q", got, want("ReadFrom"))
			}
			// The controller finds as much as on the wrapped writer itself, and
			// never a way around the commit.
			var err error
			got = use(func(w http.ResponseWriter) { err = http.NewResponseController(w).Flush() })
			if got != want("Flush") || (err == nil) != (got != "") {
				t.Errorf("ResponseController.Flush reached %q with %v, want %q", got, err, want("Flush"))
			}
			got = use(func(w http.ResponseWriter) { _, _, err = http.NewResponseController(w).Hijack() })
			if got != want("Hijack") || (err == nil) != (got != "") {
				t.Errorf("ResponseController.Hijack reached %q with %v, want %q", got, err, want("Hijack"))
			}
			var unwraps bool
			use(func(w http.ResponseWriter) { _, unwraps = w.(unwrapper) })
			if !unwraps {
				t.Error("there is no Unwrap, without which deadlines cannot be set")
			}
		})
	}
}

func TestCommit2EachWayOutCommits(t *testing.T) {
	ways := map[string]func(w http.ResponseWriter) error{
		"nothing":     func(http.ResponseWriter) error { return nil },
		"Write":       func(w http.ResponseWriter) error { _, err := w.Write([]byte("x")); return err },
		"empty Write": func(w http.ResponseWriter) error { _, err := w.Write(nil); return err },
		"WriteString": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "x"); return err },
		"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(http.StatusTeapot); return nil },
		"Flush":       func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil },
		"FlushError":  func(w http.ResponseWriter) error { return w.(flushErrorer).FlushError() },
		"controller":  func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"Copy": func(w http.ResponseWriter) error {
			_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("x")})
			return err
		},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		var name string
		s := serve(newManager(t, st).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			if err := ways[name](w); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			want := "create"
			if name == "nothing" {
				want = ""
			}
			if got := st.ops(); got != want {
				t.Errorf("%s: the store was asked for %q, want %q", name, got, want)
			}
		})))
		s.client.Jar = nil
		for name = range ways {
			if got := s.get("/"); !sets(got.Header, "__Host-session") {
				t.Errorf("%s: header: %v, want one cookie", name, got.Header)
			}
			st.ops()
		}
	})
}

func TestCommit2ResponseControllerReachesTheConnection(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		arrived := make(chan struct{})
		st := newJournalStore()
		s := serve(newManager(t, st).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			rc := http.NewResponseController(w)
			for name, err := range map[string]error{
				"SetReadDeadline":  rc.SetReadDeadline(time.Time{}),
				"SetWriteDeadline": rc.SetWriteDeadline(time.Time{}),
				"EnableFullDuplex": rc.EnableFullDuplex(),
			} {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if r.ProtoMajor == 2 {
				if _, _, err := rc.Hijack(); !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("Hijack: %v, want ErrNotSupported", err)
				}
			}
			if got := st.ops(); got != "" {
				t.Errorf("what concerns no header asked the store for %q", got)
			}
			if err := rc.Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			<-arrived
			_, _ = io.Copy(w, r.Body)
		})))
		// The body is sent only after the header has come: full duplex.
		bodyReader, bodyWriter := io.Pipe()
		response, err := s.client.Do(s.request(http.MethodPost, "/", bodyReader))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if !sets(response.Header, "__Host-session") {
			t.Errorf("the flushed header has no cookie: %v", response.Header)
		}
		close(arrived)
		if _, err := io.WriteString(bodyWriter, "and back"); err != nil {
			t.Error(err)
		}
		_ = bodyWriter.Close()
		if got := body(t, response); got != "and back" {
			t.Errorf("the body is %q", got)
		}
	})
}
