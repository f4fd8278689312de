package commitwriter_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/commitwriter"
)

// recordingOwner commits by a header, or fails.
type recordingOwner struct {
	context.Context
	committed bool
	calls     string
	err       error
}

func (o *recordingOwner) Committed() bool { return o.committed }

func (o *recordingOwner) Commit(header http.Header) error {
	o.committed = true
	o.calls += "commit "
	header.Set("Set-Cookie", "sid=1")
	return o.err
}

func (o *recordingOwner) Refuse(w http.ResponseWriter, _ error) {
	o.calls += "refuse "
	http.Error(w, "refused", http.StatusServiceUnavailable)
}

func (o *recordingOwner) Finish(save bool) {
	o.committed = true
	if save {
		o.calls += "save "
	}
	o.calls += "finish"
}

var errDown = errors.New("down")

// serve runs a handler on a recorder that can do everything.
func serve(err error, handler func(http.ResponseWriter)) (*httptest.ResponseRecorder, string) {
	o := &recordingOwner{Context: context.Background(), err: err}
	rec := httptest.NewRecorder()
	rec.Header().Set("X-Outer", "kept")
	var w commitwriter.Writer
	w.Init(ableWriter{rec}, o)
	handler(w.ResponseWriter())
	w.Finish()
	return rec, o.calls
}

// ableWriter is a recorder that can also be hijacked and read into.
type ableWriter struct{ *httptest.ResponseRecorder }

func (ableWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

func (w ableWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseRecorder, r) }

// ways are all that makes the header leave.
var ways = map[string]func(http.ResponseWriter) error{
	"nothing":     func(http.ResponseWriter) error { return errDown },
	"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(http.StatusCreated); return errDown },
	"Write":       func(w http.ResponseWriter) error { _, err := w.Write([]byte("x")); return err },
	"WriteString": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "x"); return err },
	"Flush":       func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
	"Hijack":      func(w http.ResponseWriter) error { _, _, err := http.NewResponseController(w).Hijack(); return err },
	"ReadFrom":    func(w http.ResponseWriter) error { _, err := io.Copy(w, strings.NewReader("x")); return err },
	"Write, twice": func(w http.ResponseWriter) error {
		_, _ = w.Write([]byte("x"))
		_, err := w.Write([]byte("x"))
		return err
	},
}

func TestEachWayCommitsOnce(t *testing.T) {
	for name, way := range ways {
		rec, calls := serve(nil, func(w http.ResponseWriter) { _ = way(w) })
		if calls != "commit save finish" || rec.Header().Get("Set-Cookie") != "sid=1" {
			t.Errorf("%s: %q, header %v", name, calls, rec.Header())
		}
	}
}

// After a commit that fails nothing of the handler's response leaves.
func TestFailedCommit(t *testing.T) {
	for name, way := range ways {
		rec, calls := serve(errDown, func(w http.ResponseWriter) {
			w.Header().Set("X-Handler", "secret")
			w.Header().Set("X-Outer", "overwritten")
			if err := way(w); !errors.Is(err, errDown) {
				t.Errorf("%s: error %v, want that of the commit", name, err)
			}
		})
		if calls != "commit refuse finish" || rec.Code != http.StatusServiceUnavailable || rec.Body.String() != "refused\n" {
			t.Errorf("%s: %q, %d %q", name, calls, rec.Code, rec.Body)
		}
		if h := rec.Header(); h.Get("X-Handler") != "" || h.Get("X-Outer") != "kept" {
			t.Errorf("%s: header %v", name, h)
		}
	}
}

// Informational responses come before the header, and invalid codes panic.
func TestWhatDoesNotCommit(t *testing.T) {
	for code, want := range map[int]string{
		100: "", 103: "", 101: "commit ", 200: "commit ", 204: "commit ", 999: "commit ", 0: "", 1000: "",
	} {
		o := &recordingOwner{Context: context.Background()}
		var w commitwriter.Writer
		w.Init(discardingWriter{}, o)
		w.ResponseWriter().WriteHeader(code)
		if o.calls != want {
			t.Errorf("status %d: %q, want %q", code, o.calls, want)
		}
	}
}

// discardingWriter is a writer with no optional method.
type discardingWriter struct{}

func (discardingWriter) Header() http.Header         { return http.Header{} }
func (discardingWriter) Write(b []byte) (int, error) { return len(b), nil }
func (discardingWriter) WriteHeader(int)             {}

func TestAbandonedResponsePasses(t *testing.T) {
	o := &recordingOwner{Context: context.Background()}
	rec := httptest.NewRecorder()
	var w commitwriter.Writer
	w.Init(rec, o)
	w.Abandon()
	_, _ = w.ResponseWriter().Write([]byte("sorry"))
	if o.calls != "finish" || rec.Body.String() != "sorry" || rec.Header().Get("Set-Cookie") != "" {
		t.Errorf("%q, %q, %v", o.calls, rec.Body, rec.Header())
	}
}

// The writer has exactly the optional methods of the one underneath.
func TestAbilities(t *testing.T) {
	for name, under := range map[string]http.ResponseWriter{
		"none": discardingWriter{}, "flush": httptest.NewRecorder(), "all": ableWriter{httptest.NewRecorder()},
	} {
		var w commitwriter.Writer
		w.Init(under, &recordingOwner{Context: context.Background()})
		got := w.ResponseWriter()
		_, wantFlush := under.(http.Flusher)
		_, flush := got.(http.Flusher)
		_, wantHijack := under.(http.Hijacker)
		_, hijack := got.(http.Hijacker)
		_, wantRead := under.(io.ReaderFrom)
		_, read := got.(io.ReaderFrom)
		if flush != wantFlush || hijack != wantHijack || read != wantRead {
			t.Errorf("%s: flush %v, hijack %v, read from %v", name, flush, hijack, read)
		}
	}
}
