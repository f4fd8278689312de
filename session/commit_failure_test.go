package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// failingEncoder is a codec that cannot encode some states.
type failingEncoder struct{ codec.Codec[state] }

var errUnencodable = errors.New("not this one")

func (c failingEncoder) Append(dst []byte, s *state) ([]byte, error) {
	if s.Note == "unencodable" {
		return nil, errUnencodable
	}
	return c.Codec.Append(dst, s)
}

// commitFailure is a way in which a commit fails.
type commitFailure struct {
	name       string
	clientHeld bool
	begin      bool   // there is a session before
	down       string // the operation of the store that fails then
	act        http.HandlerFunc
	want       error
	code       int
}

// manager returns a manager that will fail so, with this ErrorHandler, and the
// store to break for it.
func (f commitFailure) manager(t *testing.T, handler errorHandler) (*session.Manager[state], *journalStore) {
	t.Helper()
	journal := newJournalStore()
	var st store.Store = journal
	if f.clientHeld {
		st = cookie.New()
	}
	return newManager(t, st, func(cfg *session.Config[state]) {
		cfg.Codec = failingEncoder{codec.MsgPack[state]()}
		cfg.ErrorHandler = handler
	}), journal
}

type errorHandler = func(http.ResponseWriter, *http.Request, error)

func commitFailures() []commitFailure {
	destroy := func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }
	read := func(_ http.ResponseWriter, r *http.Request) { from(r).State() }
	return []commitFailure{
		{name: "create", down: "create", act: increment, want: errDown, code: 503},
		{name: "update", begin: true, down: "update", act: increment, want: errDown, code: 503},
		{name: "login", begin: true, down: "update", act: login, want: errDown, code: 503},
		{name: "delete", begin: true, down: "delete", act: destroy, want: errDown, code: 503},
		{name: "load, then only read", begin: true, down: "load", act: read, want: errDown, code: 503},
		{name: "load, then update", begin: true, down: "load", act: increment, want: errDown, code: 503},
		{name: "load, then destroy", begin: true, down: "load", act: destroy, want: errDown, code: 503},
		{name: "too large", clientHeld: true, act: setNote(strings.Repeat("x", 5000)), want: session.ErrTooLarge, code: 500},
		{name: "codec", act: setNote("unencodable"), want: errUnencodable, code: 500},
		{name: "codec, client-held", clientHeld: true, begin: true, act: setNote("unencodable"), want: errUnencodable, code: 500},
	}
}

func TestCommit3FailureReplacesTheResponse(t *testing.T) {
	// Each way of a handler to answer returns the error that it got to see.
	errUnseen := errors.New("the handler cannot see it")
	answers := map[string]func(w http.ResponseWriter) error{
		"nothing":     func(http.ResponseWriter) error { return errUnseen },
		"WriteHeader": func(w http.ResponseWriter) error { w.WriteHeader(http.StatusCreated); return errUnseen },
		"Write": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusCreated)
			_, err := w.Write([]byte("secret"))
			return err
		},
		"WriteString": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "secret"); return err },
		"Flush":       func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"Hijack": func(w http.ResponseWriter) error {
			conn, _, err := http.NewResponseController(w).Hijack()
			if conn != nil {
				t.Error("the connection was handed over")
				_ = conn.Close()
			}
			if errors.Is(err, http.ErrNotSupported) {
				return errUnseen // HTTP/2
			}
			return err
		},
		"Copy": func(w http.ResponseWriter) error {
			_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("secret")})
			return err
		},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for _, f := range commitFailures() {
			t.Run(f.name, func(t *testing.T) {
				m, st := f.manager(t, nil)
				var way string
				s := serve(outer(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/begin" {
						increment(w, r)
						return
					}
					h := w.Header()
					h.Add("Set-Cookie", "handler=1")
					h.Set("Location", "/")
					h.Set("Content-Length", "6")
					h.Set("Content-Type", "application/json")
					h.Set("Etag", `"1"`)
					h.Set("X-Outer", "overwritten")
					h.Set("Trailer", "X-Declared")
					f.act(w, r)
					if err := answers[way](w); !errors.Is(err, errUnseen) && !errors.Is(err, f.want) {
						t.Errorf("%s: the handler got %v, want %v", way, err, f.want)
					}
					insist(t, w, f.want)
				}))))
				if f.begin {
					s.get("/begin")
				}
				st.fail(f.down)
				for way = range answers {
					st.ops()
					got := s.get("/")
					// One attempt: a change that was answered as failed must not
					// be made a moment later.
					if ops := st.ops(); f.down != "" && strings.TrimPrefix(ops, "load ") != f.down {
						t.Errorf("%s: the store was asked for %q, want one %s", way, ops, f.down)
					}
					text := http.StatusText(f.code) + "\n"
					if got.StatusCode != f.code || got.body != text {
						t.Errorf("%s: answer: %s %q", way, got.Status, got.body)
					}
					got.Header.Del("Date")
					want := http.Header{
						"Cache-Control":          {"no-store"},
						"Content-Length":         {strconv.Itoa(len(text))},
						"Content-Type":           {"text/plain; charset=utf-8"},
						"Set-Cookie":             {"outer=1"},
						"Vary":                   {"Cookie"},
						"X-Content-Type-Options": {"nosniff"},
						"X-Outer":                {"kept"},
					}
					if diff := cmp.Diff(want, got.Header); diff != "" {
						t.Errorf("%s: header (-want +got):\n%s", way, diff)
					}
					if len(got.Trailer) > 0 {
						t.Errorf("%s: trailer: %v", way, got.Trailer)
					}
				}
			})
		}
	})
}

// outer is a middleware that says something before the session's.
func outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Outer", "kept")
		w.Header().Set("Set-Cookie", "outer=1")
		next.ServeHTTP(w, r)
	})
}

// insist is a handler that heeds no error: whatever it says must go nowhere.
// After an answer that did not commit yet, its first word is what commits.
func insist(t *testing.T, w http.ResponseWriter, want error) {
	n, err := w.Write([]byte("secret"))
	if n != 0 || !errors.Is(err, want) {
		t.Errorf("Write = %d, %v, want %v", n, err, want)
	}
	w.Header().Set("X-Late", "1")
	w.Header().Set("X-Declared", "1")
	w.Header().Set(http.TrailerPrefix+"X-Undeclared", "1")
	w.WriteHeader(http.StatusCreated)
	if _, err := io.Copy(w, bytes.NewReader([]byte("secret"))); !errors.Is(err, want) {
		t.Errorf("Copy: %v, want %v", err, want)
	}
	if err := http.NewResponseController(w).Flush(); !errors.Is(err, want) {
		t.Errorf("Flush: %v, want %v", err, want)
	}
	w.(http.Flusher).Flush()
}

func TestCommit3FailureIsTheErrorHandlers(t *testing.T) {
	for _, f := range commitFailures() {
		t.Run(f.name, func(t *testing.T) {
			var handled error
			m, st := f.manager(t, func(w http.ResponseWriter, r *http.Request, err error) {
				handled = err
				// It has the session, and no lock in its way.
				s := from(r)
				s.Update(func(s *state) { s.Note = "sorry" })
				if (s.Err() != nil) != strings.HasPrefix(f.name, "load") {
					t.Errorf("Err() = %v", s.Err())
				}
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTeapot)
				fmt.Fprint(w, "sorry")
			})
			b := newBrowser(t, nil)
			if f.begin {
				b.do(m, increment)
			}
			st.fail(f.down)
			got := b.do(m, func(w http.ResponseWriter, r *http.Request) {
				f.act(w, r)
				fmt.Fprint(w, "secret")
			})
			if !errors.Is(handled, f.want) {
				t.Errorf("the ErrorHandler got %v, want %v", handled, f.want)
			}
			if unavailable := f.code == 503; errors.Is(handled, session.ErrUnavailable) != unavailable {
				t.Errorf("ErrUnavailable is in %v, want %v", handled, unavailable)
			}
			if text := body(t, got); got.StatusCode != http.StatusTeapot || text != "sorry" || got.Header.Get("Retry-After") != "1" {
				t.Errorf("answer: %s %q %v", got.Status, text, got.Header)
			}
			st.fail("")
			if s := b.read(m); s.Note != "" {
				t.Errorf("a request that failed left %+v", s)
			}
		})
	}
}

// An ErrorHandler that panics, where a framework recovers that inside of Wrap,
// must not leave a success behind.
func TestCommit3ErrorHandlerThatPanics(t *testing.T) {
	st := newSpyStore()
	m := newManager(t, st, func(c *session.Config[state]) {
		c.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic("no answer") }
	})
	b := newBrowser(t, nil)
	b.do(m, increment)
	st.before = func(op string, _ store.ID) error {
		if op == "update" {
			return errRefused
		}
		return nil
	}
	response := b.do(m, func(w http.ResponseWriter, r *http.Request) {
		defer func() { _ = recover() }()
		increment(w, r)
		fmt.Fprint(w, "saved")
	})
	if response.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, body %q", response.StatusCode, body(t, response))
	}
}
