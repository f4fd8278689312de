package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// TestWithheldCookieIsNotOverwritten sends requests without a cookie. If SameSite
// made the browser withhold it, the browser may hold the cookie of a session, and
// a new cookie would overwrite that.
func TestWithheldCookieIsNotOverwritten(t *testing.T) {
	tests := []struct {
		name     string
		method   string
		site     string // Sec-Fetch-Site
		dest     string // Sec-Fetch-Dest
		sameSite http.SameSite
		withheld bool
	}{
		{"a form of the own site", "POST", "same-origin", "document", 0, false},
		{"a form of another site", "POST", "cross-site", "document", 0, true},
		{"a link on another site comes with the cookie", "GET", "cross-site", "document", 0, false},
		{"a link on another site comes without a strict cookie", "GET", "cross-site", "document", http.SameSiteStrictMode, true},
		{"an image on another site", "GET", "cross-site", "image", 0, true},
		{"a form of a sibling domain", "POST", "same-site", "document", 0, false},
		{"an address that the user typed", "GET", "none", "document", http.SameSiteStrictMode, false},
		{"SameSite=None withholds nothing", "POST", "cross-site", "iframe", http.SameSiteNoneMode, false},
		{"a client that is no browser", "POST", "", "", 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var failed error
			m := newManager(t, memory.New(), func(cfg *session.Config[state]) {
				cfg.Cookie.SameSite = test.sameSite
				cfg.Observer = func(_ context.Context, e session.Event) {
					if e.Kind == session.EventFailed {
						failed = e.Err
					}
				}
			})
			send := func(handler http.HandlerFunc) *http.Response {
				failed = nil
				r := httptest.NewRequest(test.method, "/", nil)
				if test.site != "" {
					r.Header.Set("Sec-Fetch-Site", test.site)
					r.Header.Set("Sec-Fetch-Dest", test.dest)
				}
				w := httptest.NewRecorder()
				m.Wrap(handler).ServeHTTP(w, r)
				return w.Result()
			}

			code, cookies := http.StatusOK, 1
			if test.withheld {
				code, cookies = http.StatusForbidden, 0
			}
			response := send(login)
			if got := len(response.Cookies()); response.StatusCode != code || got != cookies {
				t.Errorf("login: status %d, %d cookies; want %d, %d", response.StatusCode, got, code, cookies)
			}
			if got := errors.Is(failed, session.ErrWithheld); got != test.withheld {
				t.Errorf("login: reported %v", failed)
			}
			// A change of an anonymous visitor is not worth an error page.
			response = send(increment)
			if got := len(response.Cookies()); response.StatusCode != http.StatusOK || got != cookies {
				t.Errorf("change: status %d, %d cookies; want 200, %d", response.StatusCode, got, cookies)
			}
			if got := errors.Is(failed, session.ErrWithheld); got != test.withheld {
				t.Errorf("change: reported %v", failed)
			}
		})
	}
}

func TestRequestWithACookieIsNotWithheld(t *testing.T) {
	m := newManager(t, memory.New())
	b := newBrowser(t, m.Wrap(http.HandlerFunc(login)))
	b.get("/")
	r := b.request("/")
	r.Method = http.MethodPost
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		from(r).Login(func(s *state) { s.User = "bob" })
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK || len(w.Result().Cookies()) != 1 {
		t.Errorf("status %d, %d cookies; want 200 with a renewed cookie", w.Code, len(w.Result().Cookies()))
	}
}
