package frameworks_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/klauspost/compress/gzhttp"

	"github.com/typedsession/typedsession/session"
)

type state struct{ Count int }

func from(ctx context.Context) *session.Session[state] { return session.From[state](ctx) }

// increment changes the state and returns it.
func increment(ctx context.Context) int {
	s := from(ctx)
	s.Update(func(s *state) { s.Count++ })
	return s.State().Count
}

// app is what every host builds an application from, with these routes, each
// written as the framework's users would:
//
//	/json        increments, and tells the count in JSON
//	/count       tells the count in JSON
//	/redirect    increments, and redirects to /count
//	/stream      increments and tells the count, flushes, waits, and again
//	/events      the same as an event stream, saved before each event
//	/error       increments, and fails with a 409 and the word "taken"
//	/panic       increments, and panics
//	/files/      static files
//	/coder       a WebSocket that increments at its start and for each message
//	/gorilla     the same with the other library
//	/proxy/      increments, and passes the request on to another server
//	/slow        increments, and answers when its context has ended
//	/limited     increments, and answers too late for a TimeoutHandler
//	/meet        loads the session, waits for other requests, then increments
//
// A middleware inside of the session increments for /files/ and /missing.
type app struct {
	m       *session.Manager[state]
	log     io.Writer
	files   string                 // a directory
	proxy   *httputil.ReverseProxy // to another server
	target  *url.URL               // the other server
	proceed chan struct{}          // what a handler waits for
	meet    func(context.Context)  // returns when all requests have come so far

	done chan struct{} // closed by what goes on after its request
	down atomic.Bool   // the store is

	outside, inside layer                           // of the session
	front           func(http.Handler) http.Handler // goes around it all
}

// layer is a middleware next to the session.
type layer int

const (
	recovery layer = iota + 1
	compression
)

// wrap puts the layer around h where the framework has none of its own.
func (l layer) wrap(h http.Handler) http.Handler {
	switch l {
	case recovery:
		return recoverer(h)
	case compression:
		wrapper, err := gzhttp.NewWrapper(gzhttp.MinSize(1))
		if err != nil {
			panic(err)
		}
		return wrapper(h)
	}
	return h
}

func recoverer(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "recovered", http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// visited reports whether a middleware is to count this request.
func visited(path string) bool {
	return strings.HasPrefix(path, "/files/") || strings.HasSuffix(path, "/missing")
}

// await returns when the test says so, or when nobody waits for the answer. A
// handler inside of a compressor may not notice that it was refused.
func (a *app) await(ctx context.Context) {
	if a.down.Load() {
		return
	}
	select {
	case <-a.proceed:
	case <-ctx.Done():
	}
}

// limited is a handler that TimeoutHandler gives up. It goes on, and changes the
// session after that.
func (a *app) limited(w http.ResponseWriter, r *http.Request) {
	increment(r.Context())
	http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		<-a.proceed
		increment(r.Context())
		close(a.done)
	}), time.Millisecond, "too late").ServeHTTP(w, r)
}

// proxied increments, and passes the request on.
func (a *app) proxied(w http.ResponseWriter, r *http.Request) {
	increment(r.Context())
	a.proxy.ServeHTTP(w, r)
}

func (a *app) coder(w http.ResponseWriter, r *http.Request) {
	increment(r.Context())
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		if _, _, err := conn.Read(r.Context()); err != nil {
			return
		}
		n := increment(r.Context())
		if err := from(r.Context()).Save(r.Context()); err != nil {
			return
		}
		if err := conn.Write(r.Context(), coder.MessageText, []byte(strconv.Itoa(n))); err != nil {
			return
		}
	}
}

// gorilla upgrades with w.Header(): this library writes the 101 itself, and only
// the fields it is handed. It reads them when it has taken the connection, and
// the session puts the cookie there in time for that.
func (a *app) gorilla(w http.ResponseWriter, r *http.Request) {
	increment(r.Context())
	var upgrader gorilla.Upgrader
	conn, err := upgrader.Upgrade(w, r, w.Header())
	if err != nil {
		return // it has answered
	}
	defer func() { _ = conn.Close() }()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		n := increment(r.Context())
		if err := from(r.Context()).Save(r.Context()); err != nil {
			return
		}
		if err := conn.WriteMessage(gorilla.TextMessage, []byte(strconv.Itoa(n))); err != nil {
			return
		}
	}
}

// page is the content of the static file.
var page = strings.Repeat("0123456789abcdef\n", 4000)

// files returns a directory with a static file.
func files(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.txt"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
