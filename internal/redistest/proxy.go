package redistest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy stands between a client and a server and breaks what lies between.
type Proxy struct {
	Addr string

	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	target string
	silent bool
	lose   direction
	then   func()
	conns  map[net.Conn]*link
}

type direction int

const (
	nothing direction = iota
	requests
	answers
)

// link is a client's connection and the server's that belongs to it.
type link struct {
	muted atomic.Bool // for good
}

// NewProxy starts a proxy in front of the server at target.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := listen(t)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Addr:     l.Addr().String(),
		target:   target,
		listener: l,
		conns:    make(map[net.Conn]*link),
	}
	p.wg.Add(1)
	go p.accept()
	t.Cleanup(func() {
		shut(l)
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Redirect has the proxy make its next connections to another server, as a
// service's address does after a fail-over. Those that there are stay where they
// are.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Silence makes the proxy swallow every byte in both directions, as a firewall
// does that forgets its connections and drops what belongs to none: nothing is
// closed and nothing is refused. When silence ends new connections work; those
// that there were stay silent for ever.
func (p *Proxy) Silence(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = on
	for _, l := range p.conns {
		l.muted.Store(true)
	}
}

// Cut closes every connection and returns how many there were. New ones are
// accepted.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.conns) / 2 // a client's side and a server's
	for conn := range p.conns {
		shut(conn)
	}
	clear(p.conns)
	return n
}

// CutEvery cuts all connections again and again until the returned function is
// called, which answers with the number of connections that were cut.
func (p *Proxy) CutEvery(interval time.Duration) (stop func() int) {
	end, cut := make(chan struct{}), make(chan int)
	go func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		n := 0
		for {
			select {
			case <-ticker.C:
				n += p.Cut()
			case <-end:
				cut <- n
				return
			}
		}
	}()
	return func() int {
		close(end)
		return <-cut
	}
}

// LoseRequest makes the proxy swallow what a client sends next, call then, and
// cut that connection.
func (p *Proxy) LoseRequest(then func()) { p.loseNext(requests, then) }

// LoseAnswer makes the proxy swallow what the server answers next, call then,
// and cut that connection.
func (p *Proxy) LoseAnswer(then func()) { p.loseNext(answers, then) }

func (p *Proxy) loseNext(what direction, then func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.then = what, then
}

// lost reports whether what has just come is to be lost.
func (p *Proxy) lost(what direction) bool {
	p.mu.Lock()
	lost, then := p.lose == what, p.then
	if lost {
		p.lose = nothing
	}
	p.mu.Unlock()
	if lost {
		then()
	}
	return lost
}

func (p *Proxy) accept() {
	defer p.wg.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		server, err := dial(target)
		if err != nil {
			shut(client)
			continue
		}
		l := new(link)
		p.mu.Lock()
		l.muted.Store(p.silent)
		p.conns[client], p.conns[server] = l, l
		p.mu.Unlock()
		p.wg.Add(2)
		go p.copy(l, requests, server, client)
		go p.copy(l, answers, client, server)
	}
}

func (p *Proxy) copy(l *link, what direction, to, from net.Conn) {
	defer p.wg.Done()
	defer p.drop(to)
	defer p.drop(from)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if l.muted.Load() {
			continue
		}
		if p.lost(what) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) drop(conn net.Conn) {
	shut(conn)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}
