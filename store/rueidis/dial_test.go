package rueidis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// TestDialNode dials a server at 127.0.0.1 as one of a cluster's nodes. Its
// certificate may be for its own address or for the URL's first host.
func TestDialNode(t *testing.T) {
	tests := []struct {
		name        string
		certificate func(*x509.Certificate)
		defaultHost string
		want        string // in the error, "" for none
	}{
		{"for the node's address", byAddress("127.0.0.1"), "redis.example.com", ""},
		{"for the URL's host", byName("redis.example.com"), "redis.example.com", ""},
		{"for another node's address", byAddress("127.0.0.2"), "127.0.0.3", "127.0.0.1"},
		{"for another name", byName("evil.example.com"), "redis.example.com", "127.0.0.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			addr, roots := listenTLS(t, test.certificate)
			config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			conn, err := dialNode(test.defaultHost)(t.Context(), addr, new(net.Dialer), config)
			if err == nil {
				defer conn.Close()
			}
			switch {
			case test.want == "" && err != nil:
				t.Errorf("error %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one that names %s", err, test.want)
			}
			if config.ServerName != "" {
				t.Error("the configuration was changed")
			}
		})
	}
	t.Run("of an authority that is not trusted", func(t *testing.T) {
		addr, _ := listenTLS(t, byAddress("127.0.0.1"))
		config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		if _, err := dialNode("127.0.0.1")(t.Context(), addr, new(net.Dialer), config); err == nil {
			t.Error("dialled")
		}
	})
}

func byAddress(ip string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(ip)} }
}

func byName(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = []string{name} }
}

// listenTLS accepts TLS connections with a self-signed certificate, and returns
// the roots that trust it.
func listenTLS(t *testing.T, change func(*x509.Certificate)) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).Handshake()
				conn.Close()
			}()
		}
	}()
	return l.Addr().String(), roots
}
