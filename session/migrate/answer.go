package migrate

import (
	"bytes"
	"maps"
	"net/http"
)

// answer is a response that is not sent to a client.
type answer struct {
	header http.Header
	code   int // 0 if there is nothing but the header
	body   bytes.Buffer
}

// ask returns the response of a handler.
func ask(h http.Handler, r *http.Request) *answer {
	a := &answer{header: http.Header{}}
	h.ServeHTTP(a, r)
	return a
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// refusal is the ErrorHandler's response of a Manager that could not load or save.
type refusal struct{ *answer }

func (*refusal) Error() string { return "migrate: the session manager refused" }

func (f *refusal) replay(w http.ResponseWriter) {
	maps.Copy(w.Header(), f.header)
	w.WriteHeader(f.code)
	_, _ = w.Write(f.body.Bytes())
}

// uncached keeps a response out of shared caches, whatever the handler sets,
// because the response has a session's cookie. A Manager does so for the cookies
// that it sets itself, and did not set this one.
type uncached struct{ http.ResponseWriter }

func (u uncached) insist() { u.Header().Set("Cache-Control", "no-store") }

// WriteHeader implements [http.ResponseWriter].
func (u uncached) WriteHeader(code int) {
	u.insist()
	u.ResponseWriter.WriteHeader(code)
}

// Write implements [http.ResponseWriter].
func (u uncached) Write(b []byte) (int, error) {
	u.insist()
	return u.ResponseWriter.Write(b)
}

// FlushError is for [http.ResponseController], which would bypass insist through
// Unwrap.
func (u uncached) FlushError() error {
	u.insist()
	return http.NewResponseController(u.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (u uncached) Unwrap() http.ResponseWriter { return u.ResponseWriter }
