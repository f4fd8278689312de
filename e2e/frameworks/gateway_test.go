package frameworks_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// account is the state of a gateway's session.
type account struct{ UserID, Padding string }

// gateway returns a handler that serves /login itself, and whose session guards
// another server. This is the recipe of docs/FRAMEWORKS.md. The manager's cookie
// has a name of its own, because the other server may use this library too, and
// its cookie of the same name would replace the gateway's.
func gateway(m *session.Manager[account], target *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			m.RemoveToken(r.Out.Header)
			r.Out.Header.Set("X-User", m.From(r.In.Context()).State().UserID)
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/up/", m.RequireSubject(proxy))
	mux.Handle("/login", m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[account]) {
		s.Login(func(st *account) { st.UserID, st.Padding = "ann", strings.Repeat("0123456789", 600) })
	}))
	return m.Wrap(mux)
}

// TestGatewayKeepsItsTokens holds that the server behind a gateway never gets the
// visitors' tokens, in however many cookies they are, nor can replace them.
func TestGatewayKeepsItsTokens(t *testing.T) {
	tests := []struct {
		name   string
		store  store.Store
		config session.Config[account]
	}{
		{"cookie", memory.New(), session.Config[account]{Cookie: session.Cookie{Name: "__Host-gateway"}}},
		{"several cookies", cookie.New(), session.Config[account]{Cookie: session.Cookie{Name: "__Host-gateway", MaxChunks: 4}}},
		{"former name", memory.New(), session.Config[account]{Cookie: session.Cookie{Name: "__Host-gateway", FormerNames: []string{"__Host-session"}}}},
		{"bearer", memory.New(), session.Config[account]{Transport: session.Bearer()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Keys = []session.Key{session.NewKey()}
			tt.config.Subject = func(st *account) string { return st.UserID }
			m, err := session.NewManager(tt.store, tt.config)
			if err != nil {
				t.Fatal(err)
			}
			seen := make(chan http.Header, 1)
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.Header.Clone()
				http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: "theirs", Path: "/", Secure: true})
			}))
			t.Cleanup(upstream.Close)
			target, err := url.Parse(upstream.URL)
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewTLSServer(gateway(m, target))
			t.Cleanup(srv.Close)
			client := srv.Client()
			if client.Jar, err = cookiejar.New(nil); err != nil {
				t.Fatal(err)
			}
			get := func(path string, header http.Header) answer {
				t.Helper()
				r, err := http.NewRequest(http.MethodGet, srv.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, values := range header {
					r.Header[name] = values
				}
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				return answer{Response: response}
			}

			if got := get("/up/page", nil).StatusCode; got == http.StatusOK {
				t.Errorf("a visitor who is not logged in is answered %d", got)
			}
			login := get("/login", nil)
			own := http.Header{"Cookie": {"theme=dark"}}
			if token := login.Header.Get("Authorization"); token != "" {
				own.Set("Authorization", token)
			}
			for range 2 { // the second time with what the upstream has set
				if got := get("/up/page", own).StatusCode; got != http.StatusOK {
					t.Fatalf("a user is answered %d", got)
				}
				header := <-seen
				if header.Get("X-User") != "ann" || header.Get("Authorization") != "" || !strings.Contains(header.Get("Cookie"), "theme=dark") {
					t.Errorf("the upstream got %v", header)
				}
				for _, c := range login.Cookies() {
					if strings.Contains(header.Get("Cookie"), c.Value) {
						t.Errorf("the upstream got the token in %s", c.Name)
					}
				}
			}
		})
	}
}
