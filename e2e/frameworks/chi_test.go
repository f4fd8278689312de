package frameworks_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

var chiHost = host{name: "chi", build: func(a *app) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.RequestLogger(chiLog{}), middleware.GetHead)
	r.Use(chiLayer(a.outside)...)
	r.Use(a.m.Wrap)
	r.Use(chiLayer(a.inside)...)
	r.Use(visits)
	for path, handler := range a.handlers() {
		if path[len(path)-1] == '/' {
			path += "*"
		}
		r.Method(http.MethodGet, path, handler)
	}
	return r
}}

// chiLayer returns chi's own middleware.
func chiLayer(l layer) chi.Middlewares {
	switch l {
	case recovery:
		return chi.Middlewares{middleware.Recoverer}
	case compression:
		return chi.Middlewares{middleware.Compress(5)}
	}
	return nil
}

// chiLog takes the place of the stack that Recoverer prints otherwise. The
// logger also puts a writer of chi's around the session's.
type chiLog struct{}

func (chiLog) NewLogEntry(*http.Request) middleware.LogEntry         { return chiLog{} }
func (chiLog) Write(_, _ int, _ http.Header, _ time.Duration, _ any) {}
func (chiLog) Panic(any, []byte)                                     {}

// chi's Compress must see a byte before the first Flush: otherwise it begins to
// compress when the header has left, and writes it again. So it does without a
// session.
func TestChiCompressFlushedFirst(t *testing.T) {
	var logged bytes.Buffer
	r := chi.NewRouter()
	r.Use(middleware.Compress(5))
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_ = http.NewResponseController(w).Flush()
		fmt.Fprint(w, "text")
	})
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = log.New(&logged, "", 0)
	server.Start()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	server.Close() // and so it logs no more
	if err != nil || string(body) == "text" || !strings.Contains(logged.String(), "superfluous") {
		t.Errorf("chi has mended it: %q, %v, logged %q", body, err, logged.String())
	}
}
