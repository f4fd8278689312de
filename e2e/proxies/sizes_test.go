package proxies_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// sizes serves states of a size, in up to 8 cookies.
func sizes(t *testing.T) string {
	return serve(t, cookie.New(), session.Cookie{MaxChunks: 8}, func(mux *http.ServeMux) {
		mux.HandleFunc("/write/{n}", func(_ http.ResponseWriter, r *http.Request) {
			n, err := strconv.Atoi(r.PathValue("n"))
			if err != nil {
				t.Error(err)
			}
			session.From[state](r.Context()).Update(func(s *state) { s.Text = text(n) })
		})
		mux.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, strconv.Itoa(len(session.From[state](r.Context()).State().Text)))
		})
		mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) {
			session.From[state](r.Context()).Destroy()
		})
	})
}

// text returns n characters that cannot be compressed.
func text(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

// perPiece is how much of a state one cookie of 4096 bytes holds, at least, when
// all cookies are full: base64 takes a third, and the record has a header.
const perPiece = 3000

// full writes a state that fills so many cookies, and fails the test unless it
// comes back in so many, through all that is in between.
func (c *client) full(pieces int) {
	c.t.Helper()
	n := perPiece*pieces - 200
	written := c.ask("POST", fmt.Sprint("/write/", n))
	if got := len(written.Cookies()); written.StatusCode != http.StatusOK || got != pieces {
		c.t.Errorf("writing %d bytes: %s, %d cookies, want %d", n, written.Status, got, pieces)
		return
	}
	c.ask("GET", "/size").wants(c.t, strconv.Itoa(n))
	if got := c.ask("POST", "/logout").StatusCode; got != http.StatusOK {
		c.t.Errorf("a logout with %d cookies is answered %d", pieces, got)
	}
}

// nginxSizes are the directives for so many cookies: docs/PROXIES.md has them.
func nginxSizes(pieces int) string {
	size := 4 * (pieces + 1)
	return fmt.Sprintf(`
		proxy_buffer_size %[1]dk;
		proxy_buffers 8 %[1]dk;
		large_client_header_buffers 4 %[1]dk;`, size)
}

func TestNginxPassesEachNumberOfCookies(t *testing.T) {
	app := sizes(t)
	for pieces := 1; pieces <= 8; pieces++ {
		t.Run(strconv.Itoa(pieces), func(t *testing.T) {
			t.Parallel()
			socket := nginx(t, nginxSizes(pieces)+`
		location / { proxy_pass http://`+app+`; }`)
			newClient(t, socket).full(pieces)
		})
	}
}

// TestNginxDefaults holds what happens without the directives.
func TestNginxDefaults(t *testing.T) {
	app := sizes(t)
	small := nginx(t, `location / { proxy_pass http://`+app+`; }`)
	c := newClient(t, small)
	c.ask("POST", "/write/2000")
	c.ask("GET", "/size").wants(t, "2000")
	for _, n := range []int{2880, 5800} { // one full cookie, and two
		if got := newClient(t, small).ask("POST", fmt.Sprint("/write/", n)).StatusCode; got != http.StatusBadGateway {
			t.Errorf("%d bytes are answered %d, want 502", n, got)
		}
	}

	// If only responses may be large, requests cannot bring the cookies back, and
	// every page is refused, the logout too.
	answers := nginx(t, `proxy_buffer_size 40k; proxy_buffers 8 40k;
		location / { proxy_pass http://`+app+`; }`)
	c = newClient(t, answers)
	if got := c.ask("POST", fmt.Sprint("/write/", 3*perPiece-200)).StatusCode; got != http.StatusOK {
		t.Fatalf("a response of three cookies is answered %d", got)
	}
	for _, path := range []string{"/size", "/logout"} {
		if got := c.ask("POST", path).StatusCode; got != http.StatusBadRequest {
			t.Errorf("%s with three cookies is answered %d, want 400", path, got)
		}
	}
}

// haproxy starts HAProxy in front of an application.
func haproxy(t *testing.T, app, global string) (socket string) {
	t.Helper()
	path, dir := program(t, "haproxy"), folder(t)
	socket = filepath.Join(dir, "haproxy.sock")
	conf := filepath.Join(dir, "haproxy.cfg")
	text := fmt.Sprintf(`global
	%s
defaults
	mode http
	timeout connect 10s
	timeout client 1m
	timeout server 1m
frontend in
	bind unix@%s
	default_backend app
backend app
	server app %s
`, global, socket, app)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, socket, path, "-db", "-f", conf)
	return socket
}

func TestHAProxyPassesEachNumberOfCookies(t *testing.T) {
	app := sizes(t)
	small := haproxy(t, app, "")
	for pieces := 1; pieces <= 3; pieces++ {
		newClient(t, small).full(pieces)
	}
	for pieces, size := range map[int]int{4: 24576, 6: 32768, 8: 49152} {
		newClient(t, haproxy(t, app, fmt.Sprint("tune.bufsize ", size))).full(pieces)
	}
	if got := newClient(t, small).ask("POST", fmt.Sprint("/write/", 4*perPiece-200)).StatusCode; got != http.StatusBadGateway {
		t.Errorf("four cookies with the defaults are answered %d, want 502", got)
	}
}
