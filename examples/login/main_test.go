package main_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	login "github.com/typedsession/typedsession/examples/login"
	"github.com/typedsession/typedsession/session"
)

// browser follows redirects and keeps cookies.
type browser struct {
	t      *testing.T
	site   string
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	handler, err := login.New(session.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(handler) // the jar sends Secure cookies over TLS only
	t.Cleanup(srv.Close)
	client := srv.Client()
	if client.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return &browser{t, srv.URL, client}
}

// open follows the link to a page, or sends a form if there is one. It checks
// where that leads, the status, and a part of the page's text.
func (b *browser) open(path string, form url.Values, leadsTo string, status int, text string) {
	b.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if got := res.Request.URL.Path; got != leadsTo || res.StatusCode != status || !strings.Contains(string(page), text) {
		b.t.Errorf("%s %s led to %s with status %d, want %s with %d and the text %q in\n%s",
			method, path, got, res.StatusCode, leadsTo, status, text, page)
	}
}

func TestLoginAndLogout(t *testing.T) {
	b := newBrowser(t)
	credentials := url.Values{"name": {"alice"}, "password": {"wonderland"}}

	b.open("/", nil, "/login", http.StatusOK, "Password")
	b.open("/login", url.Values{"name": {"alice"}, "password": {"guess"}},
		"/login", http.StatusUnprocessableEntity, "The name or the password is wrong.")
	b.open("/", nil, "/login", http.StatusOK, "Password")
	b.open("/login", credentials, "/", http.StatusOK, "Welcome!")
	b.open("/", nil, "/", http.StatusOK, "<p>You are signed in as alice.</p>") // and no message again
	b.open("/logout", url.Values{}, "/login", http.StatusOK, "You have signed out.")
	b.open("/", nil, "/login", http.StatusOK, "Password")
}

func TestMessageIsShownOnce(t *testing.T) {
	b := newBrowser(t)
	b.open("/logout", url.Values{}, "/login", http.StatusOK, "You have signed out.")
	b.open("/login", nil, "/login", http.StatusOK, "<title>Login</title>\n\n\n<form")
}

func TestFormOfAnotherSiteIsRefused(t *testing.T) {
	handler, err := login.New(session.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/logout", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
}
