// Package commitwriter wraps an http.ResponseWriter so that a commit happens
// before the first byte of the header leaves. A cookie cannot follow the header,
// and a failure to save could not take a response back.
package commitwriter

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
)

// Owner is what a Writer commits. It is also the context of the request.
type Owner interface {
	context.Context
	// Committed reports whether Commit or Finish has been called.
	Committed() bool
	// Commit saves what the request has changed and completes the header. After
	// an error nothing of the handler's response leaves.
	Commit(header http.Header) error
	// Refuse writes the response to a commit that failed.
	Refuse(w http.ResponseWriter, err error)
	// Finish ends the request. It saves what was changed after the commit if
	// save is true.
	Finish(save bool)
}

// Writer is the handler's ResponseWriter. Call Init before use.
type Writer struct {
	w      http.ResponseWriter
	owner  Owner
	before http.Header // w's header as it was before the handler
	err    error       // of the commit; what the handler writes is then discarded
}

// Init sets the writer underneath.
func (p *Writer) Init(w http.ResponseWriter, owner Owner) {
	p.w, p.owner = w, owner
	if h := w.Header(); len(h) > 0 {
		p.before = maps.Clone(h)
	}
}

// Commit commits at the first call and writes the response if that fails. It
// returns the error of the first call.
func (p *Writer) Commit() error {
	if p.owner.Committed() {
		return p.err
	}
	header := p.w.Header()
	if p.err = p.owner.Commit(header); p.err != nil {
		// Nothing of what the handler has written may leave: it reports a
		// success.
		p.reset()
		p.owner.Refuse(p.w, p.err)
		p.before = maps.Clone(header)
	}
	return p.err
}

// reset takes back what the handler put into the header.
func (p *Writer) reset() {
	header := p.w.Header()
	clear(header)
	maps.Copy(header, p.before)
}

// Finish commits what the handler left uncommitted and ends the request.
func (p *Writer) Finish() {
	err := p.Commit()
	if err != nil {
		p.reset() // the handler may have gone on, and trailers are still to leave
	}
	p.owner.Finish(err == nil)
}

// Abandon ends the request without a commit. The response passes from then on.
func (p *Writer) Abandon() { p.owner.Finish(false) }

// Header implements [http.ResponseWriter].
func (p *Writer) Header() http.Header { return p.w.Header() }

// Unwrap lets [http.ResponseController] set deadlines and full duplex, which
// concern no header.
func (p *Writer) Unwrap() http.ResponseWriter { return p.w }

// CloseNotify implements [http.CloseNotifier]. It is deprecated, but gin's
// Context.Stream assumes that a server's writer has it. It reports the end of the
// request's context, so every writer can have it.
func (p *Writer) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(p.owner, func() { gone <- true })
	return gone
}

// WriteHeader implements [http.ResponseWriter]. Informational responses come
// before the header and do not commit, except 101, which is final. RFC 9110
// section 15.2. An invalid status code does not commit either: net/http panics,
// and a panic commits nothing.
func (p *Writer) WriteHeader(code int) {
	if code == http.StatusSwitchingProtocols || code >= 200 && code <= 999 {
		_ = p.Commit()
	}
	if p.err == nil {
		p.w.WriteHeader(code)
	}
}

// Write implements [http.ResponseWriter].
func (p *Writer) Write(b []byte) (int, error) {
	if err := p.Commit(); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

// WriteString implements [io.StringWriter], as net/http's own writers do.
func (p *Writer) WriteString(s string) (int, error) {
	if err := p.Commit(); err != nil {
		return 0, err
	}
	return io.WriteString(p.w, s)
}

func (p *Writer) flush() error {
	if err := p.Commit(); err != nil {
		return err
	}
	return http.NewResponseController(p.w).Flush()
}

func (p *Writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := p.Commit(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(p.w).Hijack()
}

func (p *Writer) readFrom(src io.Reader) (int64, error) {
	if err := p.Commit(); err != nil {
		return 0, err
	}
	return p.w.(io.ReaderFrom).ReadFrom(src)
}
