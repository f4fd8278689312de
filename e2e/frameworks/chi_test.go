package frameworks_test

import (
	"net/http"
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
