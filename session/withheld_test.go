package session_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// TestWithheldCookie: SameSite makes a browser withhold the cookie from requests that
// other sites cause. The response to one of these sets none, which would overwrite
// the one that the browser holds.
func TestWithheldCookie(t *testing.T) {
	lax, strict, none := http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode
	for _, test := range []struct {
		name                   string
		sameSite               http.SameSite
		method, site, dest     string
		withheldWhenItHasNoOne bool
	}{
		{"Lax, a link on another site", lax, "GET", "cross-site", "document", false},
		{"Lax, a HEAD of a navigation", lax, "HEAD", "cross-site", "document", false},
		{"Lax, a form on another site", lax, "POST", "cross-site", "document", true},
		{"Lax, a frame on another site", lax, "GET", "cross-site", "iframe", true},
		{"Lax, an image on another site", lax, "GET", "cross-site", "image", true},
		{"Lax, a script on another site", lax, "GET", "cross-site", "empty", true},
		{"Lax, a preflight", lax, "OPTIONS", "cross-site", "empty", true},
		{"Lax, a DELETE of a script", lax, "DELETE", "cross-site", "empty", true},
		{"Lax, a form of this site", lax, "POST", "same-origin", "document", false},
		{"Lax, a form of a sibling domain", lax, "POST", "same-site", "document", false},
		{"Lax, typed by the user", lax, "GET", "none", "document", false},
		{"Lax, a client without Fetch Metadata", lax, "POST", "", "", false},
		{"Strict, a link on another site", strict, "GET", "cross-site", "document", true},
		{"Strict, a form on another site", strict, "POST", "cross-site", "document", true},
		{"Strict, a link on this site", strict, "GET", "same-origin", "document", false},
		{"Strict, typed by the user", strict, "GET", "none", "document", false},
		{"None, a form on another site", none, "POST", "cross-site", "document", false},
		{"None, a frame on another site", none, "GET", "cross-site", "iframe", false},
	} {
		for name, withCookie := range map[string]bool{": no cookie": false, ": a cookie": true} {
			t.Run(test.name+name, func(t *testing.T) {
				withheld := test.withheldWhenItHasNoOne && !withCookie
				log := &recordingObserver{}
				m := newManager(t, memory.New(), func(c *session.Config[state]) {
					c.Cookie.SameSite, c.Observer = test.sameSite, log.observe
				})
				send := func(do func(*session.Session[state])) (*http.Response, *browser) {
					b := newBrowser(t, nil)
					b.do(m, noting("a mug"))
					presented := b
					if !withCookie {
						presented = newBrowser(t, nil)
					}
					r := presented.request("/")
					r.Method = test.method
					if test.site != "" {
						r.Header.Set("Sec-Fetch-Site", test.site)
						r.Header.Set("Sec-Fetch-Dest", test.dest)
					}
					log.kinds()
					response := serveOne(m, r, do)
					b.keep(response)
					return response, b
				}

				response, _ := send(func(s *session.Session[state]) { _ = s.State() })
				if response.StatusCode != http.StatusOK || cookieChange(response) != "" {
					t.Errorf("a read: status %d, cookie %q", response.StatusCode, cookieChange(response))
				}
				response, b := send(func(s *session.Session[state]) { s.Update(count) })
				created := !withheld && !withCookie
				if response.StatusCode != http.StatusOK || cookieChange(response) == "set" != created {
					t.Errorf("a change: status %d, cookie %q", response.StatusCode, cookieChange(response))
				}
				if withheld {
					log.want(t, "failed")
				}
				if got := b.read(m); !created && got.Note != "a mug" {
					t.Errorf("after the change the browser's session is %+v", got)
				}
				response, b = send(func(s *session.Session[state]) { s.Login(setUser("alice")) })
				if refused := response.StatusCode == http.StatusForbidden; refused != withheld || cookieChange(response) == "set" == withheld {
					t.Errorf("a login: status %d, cookie %q", response.StatusCode, cookieChange(response))
				}
				if got := b.read(m); withheld && got.Note != "a mug" {
					t.Errorf("after the login the browser's session is %+v", got)
				}
				send(func(s *session.Session[state]) {
					s.Update(count)
					if err := s.Save(t.Context()); errors.Is(err, session.ErrWithheld) != withheld {
						t.Errorf("Save: %v", err)
					}
					err := s.Transact(t.Context(), func(st *state) error { st.Count++; return nil })
					if errors.Is(err, session.ErrWithheld) != withheld {
						t.Errorf("Transact: %v", err)
					}
					if withheld && s.State().Count != 0 {
						t.Errorf("what was not kept is still shown: %+v", s.State())
					}
				})
				response, _ = send((*session.Session[state]).Destroy)
				if cookieChange(response) == "expired" != withCookie {
					t.Errorf("a logout: cookie %q", cookieChange(response))
				}
			})
		}
	}
}

// TestWithheldOfOtherTransports: a header is not withheld, and a client-held session
// is like any other.
func TestWithheldOfOtherTransports(t *testing.T) {
	for _, test := range []struct {
		name     string
		manager  *session.Manager[state]
		withheld bool
	}{
		{"a header", newManager(t, memory.New(), func(c *session.Config[state]) { c.Transport = session.Header("Session") }), false},
		{"client-held", newManager(t, cookie.New()), true},
	} {
		r := newBrowser(t, nil).request("/")
		r.Method = http.MethodPost
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		response := serveOne(test.manager, r, func(s *session.Session[state]) { s.Login(setUser("alice")) })
		if got := response.StatusCode == http.StatusForbidden; got != test.withheld {
			t.Errorf("%s: status %d", test.name, response.StatusCode)
		}
	}
}
