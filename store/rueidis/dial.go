package rueidis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"
)

// connections makes the connections of a client that [Open] has made, and can
// close them.
//
// A connection to a name, a virtual address or a proxy stays with the server that
// was the master when it was made. If that server has become a replica, it
// refuses writes for as long as the connection lives, which may be for ever.
type connections struct {
	dial func(ctx context.Context, addr string, d *net.Dialer, config *tls.Config) (net.Conn, error)

	mu   sync.Mutex
	open map[*connection]time.Time // when it was made
}

// settled is how old a connection must be to be closed because its server takes
// no writes. A younger one has only just been made for that reason, and
// closing that too would not help.
const settled = 250 * time.Millisecond

// connection is one of connections.
type connection struct {
	net.Conn
	of *connections
}

// Dial makes a connection. It is a DialCtxFn of the client.
func (c *connections) Dial(ctx context.Context, addr string, d *net.Dialer, config *tls.Config) (net.Conn, error) {
	conn, err := c.dial(ctx, addr, d, config)
	if err != nil {
		return nil, err
	}
	tracked := &connection{conn, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[*connection]time.Time)
	}
	c.open[tracked] = time.Now()
	return tracked, nil
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// CloseSettled closes the connections that are not new, so that the client makes
// others. Those of sentinels are among them: the client then asks which server is
// the master.
func (c *connections) CloseSettled() {
	var old []*connection
	c.mu.Lock()
	for conn, made := range c.open {
		if time.Since(made) >= settled {
			old = append(old, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range old {
		_ = conn.Close()
	}
}

// dialNode returns a function that makes a connection to one server. A certificate
// must be for the host that is dialled, or for defaultHost: nodes of a cluster and
// servers behind a Sentinel often announce addresses, while their certificates
// are for the name in the URL.
func dialNode(defaultHost string) func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
	return func(ctx context.Context, addr string, d *net.Dialer, config *tls.Config) (net.Conn, error) {
		if config == nil {
			return d.DialContext(ctx, "tcp", addr)
		}
		own := tls.Dialer{NetDialer: d, Config: config} // with the name in addr
		conn, err := own.DialContext(ctx, "tcp", addr)
		host, _, _ := net.SplitHostPort(addr)
		if wrong := new(x509.HostnameError); !errors.As(err, wrong) || host == defaultHost {
			return conn, err
		}
		config = config.Clone()
		config.ServerName = defaultHost
		common := tls.Dialer{NetDialer: d, Config: config}
		conn, second := common.DialContext(ctx, "tcp", addr)
		if second != nil {
			return nil, err
		}
		return conn, nil
	}
}
