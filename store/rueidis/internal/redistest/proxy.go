package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server and breaks what lies between.
type Proxy struct {
	Addr string

	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	silent bool
	conns  map[net.Conn]struct{}
}

// NewProxy starts a proxy in front of the server at target.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Addr:     l.Addr().String(),
		target:   target,
		listener: l,
		conns:    make(map[net.Conn]struct{}),
	}
	p.wg.Add(1)
	go p.accept()
	t.Cleanup(func() {
		l.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Silence makes the proxy swallow every byte in both directions, as a firewall
// that drops packets does: no connection is closed, none is refused. Bytes
// swallowed are gone when silence ends.
func (p *Proxy) Silence(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = on
}

// Cut closes every connection and returns how many there were. New ones are
// accepted.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.conns) / 2 // a client's side and a server's
	for conn := range p.conns {
		conn.Close()
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

func (p *Proxy) accept() {
	defer p.wg.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = struct{}{}, struct{}{}
		p.mu.Unlock()
		p.wg.Add(2)
		go p.copy(server, client)
		go p.copy(client, server)
	}
}

func (p *Proxy) copy(to, from net.Conn) {
	defer p.wg.Done()
	defer p.drop(to)
	defer p.drop(from)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		silent := p.silent
		p.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) drop(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}
