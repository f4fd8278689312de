package frameworks_test

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/typedsession/typedsession/session"
)

// muxHost is net/http by itself.
var muxHost = host{name: "net/http", build: func(a *app) http.Handler {
	mux := http.NewServeMux()
	// A handler may take its session as an argument.
	mux.Handle("GET /json", a.m.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[state]) {
		s.Update(func(s *state) { s.Count++ })
		writeJSON(w, s.State().Count)
	}))
	for path, handler := range a.handlers() {
		if path != "/json" {
			mux.Handle(path, handler)
		}
	}
	return a.outside.wrap(a.m.Wrap(a.inside.wrap(visits(mux))))
}}

// handlers returns the application's handlers where they are net/http's.
func (a *app) handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"/json": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			writeJSON(w, increment(r.Context()))
		}),
		"/count": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			writeJSON(w, from(r.Context()).State().Count)
		}),
		"/redirect": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(r.Context())
			http.Redirect(w, r, "/count", http.StatusSeeOther)
		}),
		"/stream": http.HandlerFunc(a.stream),
		"/events": http.HandlerFunc(a.events),
		"/error": failing(func(_ http.ResponseWriter, r *http.Request) error {
			increment(r.Context())
			return errTaken
		}),
		"/panic": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			increment(r.Context())
			panic("told to")
		}),
		"/files/":  http.StripPrefix("/files/", http.FileServer(http.Dir(a.files))),
		"/coder":   http.HandlerFunc(a.coder),
		"/gorilla": http.HandlerFunc(a.gorilla),
		"/proxy/":  http.HandlerFunc(a.proxied),
		"/slow": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(r.Context())
			<-r.Context().Done()
			fmt.Fprint(w, "at last")
		}),
		"/limited": http.HandlerFunc(a.limited),
		"/meet": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			from(r.Context())
			a.meet(r.Context())
			writeJSON(w, increment(r.Context()))
		}),
	}
}

func writeJSON(w http.ResponseWriter, count int) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"count": %d}`, count)
}

func (a *app) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintln(w, increment(r.Context()))
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	a.await(r.Context())
	fmt.Fprintln(w, increment(r.Context()))
}

func (a *app) events(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher) // as many libraries ask for it
	if !ok {
		http.Error(w, "no Flusher", http.StatusInternalServerError)
		return
	}
	n := increment(r.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	flusher.Flush() // before there is an event
	for {
		if _, err := fmt.Fprintf(w, "data: %d\n\n", n); err != nil || n == 2 {
			return
		}
		flusher.Flush()
		a.await(r.Context())
		n = increment(r.Context())
		if err := from(r.Context()).Save(r.Context()); err != nil {
			return
		}
	}
}

var errTaken = errors.New("taken")

// failing is a handler that returns its error, as net/http has none.
type failing func(http.ResponseWriter, *http.Request) error

func (f failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
	}
}

// visits is the middleware that counts.
func visits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if visited(r.URL.Path) {
			increment(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}
