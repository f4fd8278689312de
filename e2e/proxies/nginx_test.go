package proxies_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// authorize answers nginx's auth_request, and changes the session each time, as
// an extension does now and then.
func authorize(pieces int) func(*http.ServeMux) {
	return func(mux *http.ServeMux) {
		mux.HandleFunc("/auth", func(w http.ResponseWriter, r *http.Request) {
			s := session.From[state](r.Context())
			if s.State().User == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			s.Update(func(st *state) { st.Text = text(perPiece*pieces - 300) })
			w.WriteHeader(http.StatusNoContent)
		})
	}
}

// authRequest are the directives of docs/PROXIES.md. With handOn, the cookie that
// the authorization sets is handed on to the client.
func authRequest(auth, page string, handOn bool) string {
	set := ""
	if handOn {
		set = `
			auth_request_set $session_cookie $upstream_http_set_cookie;
			add_header Set-Cookie $session_cookie always;`
	}
	return nginxSizes(2) + fmt.Sprintf(`
		location / {
			auth_request /auth;%s
			proxy_pass http://%s;
		}
		location = /auth {
			internal;
			proxy_pass http://%s;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
		}
		location = /login { proxy_pass http://%s; }`, set, page, auth, auth)
}

func TestNginxAuthRequest(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page") }))
	t.Cleanup(page.Close)
	served := page.Listener.Addr().String()
	tests := []struct {
		name   string
		cookie session.Cookie
		pieces int
		handOn bool
		want   int // cookies that reach the client
	}{
		{"handed on", session.Cookie{}, 1, true, 1},
		{"not handed on", session.Cookie{}, 1, false, 0},
		{"of two cookies nginx hands on the first", session.Cookie{MaxChunks: 2}, 2, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			auth := serve(t, cookie.New(), tt.cookie, authorize(tt.pieces))
			c := newClient(t, nginx(t, authRequest(auth, served, tt.handOn)))
			if got := c.ask("GET", "/page").StatusCode; got != http.StatusUnauthorized {
				t.Errorf("a visitor is answered %d, want 401", got)
			}
			c.ask("POST", "/login")
			a := c.ask("GET", "/page")
			a.wants(t, "a page")
			if got := len(a.Cookies()); got != tt.want {
				t.Errorf("%d cookies reach the client, want %d", got, tt.want)
			}
			// A first piece that is new and a second that is old open nothing;
			// here there was no second yet.
			want := http.StatusOK
			if tt.pieces > 1 {
				want = http.StatusUnauthorized
			}
			if got := c.ask("GET", "/page").StatusCode; got != want {
				t.Errorf("the next page is answered %d, want %d", got, want)
			}
		})
	}
}

// TestNginxAuthRequestWithAServerHeldSession holds that nothing needs to be handed
// on if the store holds the sessions and the cookie is not persistent.
func TestNginxAuthRequestWithAServerHeldSession(t *testing.T) {
	auth := serve(t, memory.New(), session.Cookie{}, authorize(1))
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page") }))
	t.Cleanup(page.Close)
	c := newClient(t, nginx(t, authRequest(auth, page.Listener.Addr().String(), false)))
	c.ask("POST", "/login")
	for range 3 {
		c.ask("GET", "/page").wants(t, "a page")
	}
}

func TestNginxPrefix(t *testing.T) {
	tests := []struct {
		name   string
		cookie session.Cookie
		outer  string // directives
		path   string // of the cookie
	}{
		{"the default", session.Cookie{}, "", "/"},
		{"a cookie of the prefix", session.Cookie{Path: "/shop/"}, "", "/shop/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := serve(t, memory.New(), tt.cookie, nil)
			c := newClient(t, nginx(t, `location /shop/ { proxy_pass http://`+app+`/; }`))
			login := c.ask("POST", "/shop/login")
			if got := login.Cookies(); len(got) != 1 || got[0].Path != tt.path || !got[0].Secure {
				t.Errorf("the cookies are %v, want one of %s", got, tt.path)
			}
			c.ask("GET", "/shop/who").wants(t, "ann")
		})
	}
	// A browser drops a cookie whose name begins with __Host- and whose Path is
	// another than "/".
	app := serve(t, memory.New(), session.Cookie{}, nil)
	c := newClient(t, nginx(t, `location /shop/ { proxy_cookie_path / /shop/; proxy_pass http://`+app+`/; }`))
	got := c.ask("POST", "/shop/login").Header.Get("Set-Cookie")
	if !strings.HasPrefix(got, "__Host-") || !strings.Contains(got, "Path=/shop/") {
		t.Errorf("Set-Cookie is %q", got)
	}
}

// TestNginxHost holds what CrossOriginProtection needs for browsers that send no
// Sec-Fetch-Site: it compares Origin with Host.
func TestNginxHost(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "done") })
	srv := httptest.NewServer(http.NewCrossOriginProtection().Handler(mux))
	t.Cleanup(srv.Close)
	app := srv.Listener.Addr().String()
	without := newClient(t, nginx(t, `location / { proxy_pass http://`+app+`; }`))
	with := newClient(t, nginx(t, `location / { proxy_set_header Host $http_host; proxy_pass http://`+app+`; }`))
	with.ask("POST", "/", "Origin", "https://app.test").wants(t, "done")
	without.ask("POST", "/", "Sec-Fetch-Site", "same-origin", "Origin", "https://app.test").wants(t, "done")
	if got := without.ask("POST", "/", "Origin", "https://app.test").StatusCode; got != http.StatusForbidden {
		t.Errorf("with the default Host a form is answered %d, want 403", got)
	}
	if got := with.ask("POST", "/", "Origin", "https://evil.test").StatusCode; got != http.StatusForbidden {
		t.Errorf("a form of another site is answered %d, want 403", got)
	}
}
