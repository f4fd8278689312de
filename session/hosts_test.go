package session_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
)

func TestHostServeContent(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	path := filepath.Join(t.TempDir(), "content.txt")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		m := newManager(t, st)
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Without it there is no sendfile. HTTP/2 has none.
			if _, ok := w.(io.ReaderFrom); ok != (r.ProtoMajor == 1) {
				t.Errorf("%s: ReadFrom is there: %v", r.Proto, ok)
			}
			increment(w, r)
			if r.URL.Path == "/login" {
				login(w, r)
			}
			w.Header().Set("Etag", `"1"`)
			file, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = file.Close() }()
			http.ServeContent(w, r, path, time.Unix(1, 0), file)
		})))
		tests := []struct {
			method, header, value string
			code                  int
			body                  string
		}{
			{"GET", "", "", 200, string(content)},
			{"HEAD", "", "", 200, ""},
			{"GET", "Range", "bytes=10-19", 206, string(content[10:20])},
			{"GET", "Range", "bytes=9999999-", 416, "invalid range: failed to overlap\n"},
			{"GET", "If-None-Match", `"1"`, 304, ""},
		}
		for _, test := range tests {
			s.client.Jar.SetCookies(s.request("GET", "/", nil).URL, []*http.Cookie{{Name: "__Host-session", Path: "/", MaxAge: -1}})
			r := s.request(test.method, "/", nil)
			if test.header != "" {
				r.Header.Set(test.header, test.value)
			}
			got := s.do(r)
			if got.StatusCode != test.code || got.body != test.body || !sets(got.Header, "__Host-session") {
				t.Errorf("%v: %s, %d bytes, %v", test, got.Status, len(got.body), got.Header)
			}
		}
		if n := s.browser().read(m).Count; n != 1 {
			t.Errorf("Count = %d, want 1", n)
		}
		st.fail("update")
		got := s.get("/login")
		if got.StatusCode != 503 || len(got.body) > 100 || got.Header.Get("Last-Modified")+got.Header.Get("Etag") != "" {
			t.Errorf("a failed commit: %s, %d bytes, %v", got.Status, len(got.body), got.Header)
		}
	})
}

// Outside, TimeoutHandler answers while the handler still runs: see
// TestCommit4DeadlineEndedCommitsOnlyADestroy.
func TestHostTimeoutHandlerOutside(t *testing.T) {
	tests := map[string]struct {
		act  http.HandlerFunc
		want string
	}{
		"/update":  {increment, "load"},
		"/destroy": {func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }, "load delete"},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		m := newManager(t, st)
		done := make(chan struct{})
		wrapped := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tests[r.URL.Path].act(w, r)
			<-r.Context().Done()
			_, err := io.WriteString(w, "late")
			if r.URL.Path == "/update" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the handler was told %v, want DeadlineExceeded", err)
			}
		}))
		// The timeout does not pass in this test.
		inTime := http.TimeoutHandler(m.Wrap(http.HandlerFunc(increment)), time.Hour, "")
		late := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { done <- struct{}{} }()
			wrapped.ServeHTTP(w, r)
		}), time.Millisecond, "")
		s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/begin" {
				inTime.ServeHTTP(w, r)
			} else {
				late.ServeHTTP(w, r)
			}
		}))
		if got := s.get("/begin"); !sets(got.Header, "__Host-session") {
			t.Errorf("in time: %v, want a cookie", got.Header)
		}
		for _, path := range []string{"/update", "/destroy"} {
			st.ops()
			got := s.get(path)
			<-done
			if got.StatusCode != http.StatusServiceUnavailable || len(got.Cookies()) > 0 {
				t.Errorf("%s: %s %v", path, got.Status, got.Header)
			}
			if ops := st.ops(); ops != tests[path].want {
				t.Errorf("%s: the store was asked for %q, want %q", path, ops, tests[path].want)
			}
		}
	})
}

// Inside, the handler goes on while its session is committed, and after that.
func TestHostTimeoutHandlerInside(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		var ev recordingObserver
		m := newManager(t, newSpyStore(), ev.observed)
		returned, done := make(chan struct{}), make(chan struct{})
		wrapped := m.Wrap(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			increment(w, r)
			<-r.Context().Done()
			for { // in the way of the commit, too
				select {
				case <-returned:
					increment(w, r)
					return
				default:
					from(r).Update(func(s *state) { s.Items = map[string]int{"x": len(s.Note)} })
				}
			}
		}), time.Millisecond, ""))
		s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wrapped.ServeHTTP(w, r)
			close(returned)
		}))
		got := s.get("/")
		<-done
		if got.StatusCode != http.StatusServiceUnavailable || !sets(got.Header, "__Host-session") {
			t.Errorf("answer: %s %v", got.Status, got.Header)
		}
		if n := s.browser().read(m).Count; n != 1 {
			t.Errorf("Count = %d, want what was done by then, 1", n)
		}
		if errs := ev.failures(); len(errs) == 0 || !errors.Is(errs[len(errs)-1], session.ErrCommitted) {
			t.Errorf("failures: %v, want ErrCommitted for the last change", errs)
		}
	})
}

// gzipWriter compresses, as such middleware does: it decides at the first byte, and
// passes on Flush and Unwrap.
type gzipWriter struct {
	http.ResponseWriter
	zip *gzip.Writer
}

func (z *gzipWriter) Unwrap() http.ResponseWriter { return z.ResponseWriter }

func (z *gzipWriter) start() {
	if z.zip == nil {
		z.zip = gzip.NewWriter(z.ResponseWriter)
		z.Header().Set("Content-Encoding", "gzip")
		z.Header().Add("Vary", "Accept-Encoding")
		z.Header().Del("Content-Length")
	}
}

func (z *gzipWriter) WriteHeader(code int) {
	z.start()
	z.ResponseWriter.WriteHeader(code)
}

func (z *gzipWriter) Write(p []byte) (int, error) {
	z.start()
	return z.zip.Write(p)
}

func (z *gzipWriter) FlushError() error {
	z.start()
	if err := z.zip.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(z.ResponseWriter).Flush()
}

func withGzip(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z := &gzipWriter{ResponseWriter: w}
		next.ServeHTTP(z, r)
		if z.zip != nil {
			_ = z.zip.Close()
		}
	})
}

func TestHostCompression(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		var handler http.Handler
		s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
		s.client.Jar = nil
		for _, outside := range []bool{false, true} {
			for _, flush := range []bool{false, true} {
				for _, down := range []string{"", "create"} {
					st := newJournalStore()
					st.fail(down)
					m := newManager(t, st)
					h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						increment(w, r)
						if flush {
							_ = http.NewResponseController(w).Flush()
						}
						fmt.Fprint(w, "text")
					})
					if outside {
						handler = withGzip(m.Wrap(h))
					} else {
						handler = m.Wrap(withGzip(h))
					}
					got := s.get("/") // the client unzips
					want, cookies := "text", 1
					if down != "" {
						want, cookies = "Service Unavailable\n", 0
					}
					name := fmt.Sprintf("outside=%v, flush=%v, down=%q", outside, flush, down)
					if got.body != want || len(got.Cookies()) != cookies {
						t.Errorf("%s: answer: %s %q %v", name, got.Status, got.body, got.Header)
					}
					if got.Uncompressed != (down == "" || outside) {
						t.Errorf("%s: it came compressed: %v", name, got.Uncompressed)
					}
					if v := strings.Join(got.Header["Vary"], ", "); !strings.Contains(v, "Cookie") {
						t.Errorf("%s: Vary: %s", name, v)
					}
				}
			}
		}
	})
}

// gin takes this interface for granted. There is no context that it would have
// looked at instead.
func TestHostCloseNotifier(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		reached, ended := make(chan struct{}), make(chan struct{})
		s := serve(newManager(t, newSpyStore()).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
			select {
			case <-gone:
				t.Error("the end is reported before there is one")
			default:
			}
			close(reached)
			<-gone
			close(ended)
		})))
		ctx, hangUp := context.WithCancel(t.Context())
		go func() {
			<-reached
			hangUp()
		}()
		response, err := s.client.Do(s.request(http.MethodGet, "/", nil).WithContext(ctx))
		if err == nil { // the answer has overtaken the hanging up
			response.Body.Close()
		}
		<-ended
	})
}

func TestHostTrailers(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		s := serve(newManager(t, newSpyStore()).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "text")
			_ = http.NewResponseController(w).Flush()
			w.Header().Set("X-Sum", "4")
			w.Header().Set(http.TrailerPrefix+"X-More", "5")
		})))
		got := s.get("/")
		if got.Trailer.Get("X-Sum") != "4" || got.Trailer.Get("X-More") != "5" || len(got.Trailer["Set-Cookie"]) > 0 {
			t.Errorf("trailer: %v", got.Trailer)
		}
		if !sets(got.Header, "__Host-session") {
			t.Errorf("header: %v", got.Header)
		}
	})
}
