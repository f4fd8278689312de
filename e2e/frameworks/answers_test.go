package frameworks_test

import (
	"net/http"
	"strings"
	"testing"
)

func testJSON(t *testing.T, p place) {
	s := p.start(t)
	s.refuses(http.MethodGet, "/json")
	a := s.get("/json")
	s.begins(a, http.StatusOK)
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") || s.number(a) != 1 {
		t.Errorf("%s %q", got, a.body)
	}
	s.counts(1)
	// The store holds the session: the cookie is good for a changed one, too.
	if a := s.get("/json"); len(a.Cookies()) > 0 || !varies(a.Header) || s.number(a) != 2 {
		t.Errorf("the second time: %q %v", a.body, a.Header)
	}
	s.counts(2)
}

func testRedirect(t *testing.T, p place) {
	s := p.start(t)
	s.refuses(http.MethodGet, "/redirect")
	a := s.get("/redirect")
	s.begins(a, http.StatusSeeOther)
	if n := s.number(s.get(a.Header.Get("Location"))); n != 1 {
		t.Errorf("%s counts %d, want 1", a.Header.Get("Location"), n)
	}
}

// The framework's error handler answers: in some after the session's middleware
// has returned, and then it must neither lose nor repeat the cookie.
func testError(t *testing.T, p place) {
	s := p.start(t)
	s.refuses(http.MethodGet, "/error")
	a := s.get("/error")
	s.begins(a, http.StatusConflict)
	if !strings.Contains(a.body, "taken") {
		t.Errorf("body %q", a.body)
	}
	s.counts(1)
}

// The framework's own page says that nothing was found: as late as the one for
// an error.
func testNotFound(t *testing.T, p place) {
	s := p.start(t)
	s.refuses(http.MethodGet, "/missing")
	a := s.get("/missing")
	s.begins(a, http.StatusNotFound)
	if a.body == "" {
		t.Error("no body")
	}
	s.counts(1)
	if a := s.get("/elsewhere"); a.StatusCode != http.StatusNotFound || len(a.Cookies()) > 0 || len(a.Header["Vary"]) > 0 {
		t.Errorf("a request that does not look at its session: %s %v", a.Status, a.Header)
	}
}

func testStaticFile(t *testing.T, p place) {
	s := p.start(t)
	s.refuses(http.MethodGet, "/files/page.txt")
	a := s.get("/files/page.txt")
	s.begins(a, http.StatusOK)
	if a.body != page || a.ContentLength != int64(len(page)) {
		t.Errorf("%d bytes, Content-Length %d", len(a.body), a.ContentLength)
	}
	s.counts(1)
	if a := s.ask(http.MethodGet, "/files/page.txt", "Range", "bytes=1-2"); a.StatusCode != 206 || a.body != page[1:3] {
		t.Errorf("a range: %s %q", a.Status, a.body)
	}
	modified := a.Header.Get("Last-Modified")
	if a := s.ask(http.MethodGet, "/files/page.txt", "If-Modified-Since", modified); a.StatusCode != 304 {
		t.Errorf("not modified: %s", a.Status)
	}
	s.counts(3)
}

func testHEAD(t *testing.T, p place) {
	s := p.start(t)
	s.refuses(http.MethodHead, "/json")
	a := s.ask(http.MethodHead, "/json")
	s.begins(a, http.StatusOK)
	if a.body != "" {
		t.Errorf("body %q", a.body)
	}
	s.counts(1)
}
