package commitwriter

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// ResponseWriter returns the Writer as an http.ResponseWriter with exactly the
// optional methods of the one underneath: libraries ask by type assertion and
// rely on the answer.
func (p *Writer) ResponseWriter() http.ResponseWriter {
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
// hijack. If it does, our methods must stand in that way. Otherwise it would
// bypass the commit through Unwrap.
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
// Each is a single pointer, so that it costs no allocation.
type (
	writerF   struct{ *Writer }
	writerH   struct{ *Writer }
	writerR   struct{ *Writer }
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
