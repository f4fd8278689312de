package session

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
)

// response is the handler's ResponseWriter. Whatever makes the first header byte
// leave commits the session first, because a cookie cannot follow it, and an
// error could not take it back.
type response struct {
	w       http.ResponseWriter
	session committer
	before  http.Header // w's header without anything of the handler's
	begun   bool
	err     error // of the commit: what the handler writes goes nowhere
}

// committer is what a response needs of the session. It is also the request's
// context.
type committer interface {
	context.Context
	// commit saves the session and puts its cookie into header.
	commit(header http.Header) error
	// refuse answers for a commit that failed.
	refuse(w http.ResponseWriter, err error)
	// finish ends the session's use, and saves what was changed after the
	// commit, or does not.
	finish(save bool)
}

func (p *response) init(w http.ResponseWriter, session committer) {
	p.w, p.session = w, session
	if h := w.Header(); len(h) > 0 {
		p.before = maps.Clone(h)
	}
}

// commit commits the session, the first time it is called, and answers for it
// when that fails.
func (p *response) commit() error {
	if p.begun {
		return p.err
	}
	p.begun = true
	header := p.w.Header()
	if p.err = p.session.commit(header); p.err != nil {
		// None of what the handler said may leave: it tells of a success.
		p.reset()
		p.session.refuse(p.w, p.err)
		p.before = maps.Clone(header)
	}
	return p.err
}

// reset takes back what the handler put into the header.
func (p *response) reset() {
	header := p.w.Header()
	clear(header)
	maps.Copy(header, p.before)
}

// finish commits what the handler left uncommitted, and what it changed since.
func (p *response) finish() {
	err := p.commit()
	if err != nil {
		p.reset() // it may have gone on, and trailers are still to leave
	}
	p.session.finish(err == nil)
}

// abandon lets the response pass from now on without a commit.
func (p *response) abandon() {
	p.begun = true
	p.session.finish(false)
}

// Header implements [http.ResponseWriter].
func (p *response) Header() http.Header { return p.w.Header() }

// Unwrap is for [http.ResponseController]: deadlines and full duplex concern no
// header.
func (p *response) Unwrap() http.ResponseWriter { return p.w }

// CloseNotify implements [http.CloseNotifier]. It is deprecated, but gin's
// Context.Stream takes for granted that a server's writer has it. Every writer
// can: it tells of nothing but the end of the request's context.
func (p *response) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(p.session, func() { gone <- true })
	return gone
}

// WriteHeader implements [http.ResponseWriter]. Informational responses come
// before the header and do not commit, except 101, which is final. RFC 9110
// section 15.2. Nor does what is no status code: net/http answers it by a panic,
// and a panic commits nothing.
func (p *response) WriteHeader(code int) {
	if code == http.StatusSwitchingProtocols || code >= 200 && code <= 999 {
		_ = p.commit()
	}
	if p.err == nil {
		p.w.WriteHeader(code)
	}
}

// Write implements [http.ResponseWriter].
func (p *response) Write(b []byte) (int, error) {
	if err := p.commit(); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

// WriteString implements [io.StringWriter], as net/http's own writers do.
func (p *response) WriteString(s string) (int, error) {
	if err := p.commit(); err != nil {
		return 0, err
	}
	return io.WriteString(p.w, s)
}

func (p *response) flush() error {
	if err := p.commit(); err != nil {
		return err
	}
	return http.NewResponseController(p.w).Flush()
}

func (p *response) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := p.commit(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(p.w).Hijack()
}

func (p *response) readFrom(src io.Reader) (int64, error) {
	if err := p.commit(); err != nil {
		return 0, err
	}
	return p.w.(io.ReaderFrom).ReadFrom(src)
}

// writer returns the response as a ResponseWriter that can do exactly what the
// one underneath can: libraries ask by type assertion, and take the answer at
// its word.
func (p *response) writer() http.ResponseWriter {
	flush, hijack := abilities(p.w)
	_, readFrom := p.w.(io.ReaderFrom)
	switch {
	case flush && hijack && readFrom:
		return writerFHR{writerFH{writerF{p}}}
	case flush && hijack:
		return writerFH{writerF{p}}
	case flush && readFrom:
		return writerFR{writerF{p}}
	case hijack && readFrom:
		return writerHR{writerH{p}}
	case flush:
		return writerF{p}
	case hijack:
		return writerH{p}
	case readFrom:
		return writerR{p}
	}
	return p
}

// abilities reports whether http.ResponseController finds a way to flush and to
// hijack. If it does, our methods must stand in that way, or it would walk past
// the commit through Unwrap.
func abilities(w http.ResponseWriter) (flush, hijack bool) {
	for {
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			flush = true
		}
		if _, ok := w.(http.Hijacker); ok {
			hijack = true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok || flush && hijack {
			return flush, hijack
		}
		w = u.Unwrap()
	}
}

// The writers are named after what they add: F flushes, H hijacks, R reads from.
// Each is a single pointer, so that none costs an allocation.
type (
	writerF   struct{ *response }
	writerH   struct{ *response }
	writerR   struct{ *response }
	writerFH  struct{ writerF }
	writerFR  struct{ writerF }
	writerHR  struct{ writerH }
	writerFHR struct{ writerFH }
)

func (w writerF) Flush()            { _ = w.flush() }
func (w writerF) FlushError() error { return w.flush() }

func (w writerH) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return w.hijack() }
func (w writerFH) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w writerR) ReadFrom(src io.Reader) (int64, error)   { return w.readFrom(src) }
func (w writerFR) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w writerHR) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w writerFHR) ReadFrom(src io.Reader) (int64, error) { return w.readFrom(src) }
