package main_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	events "github.com/typedsession/typedsession/examples/events"
	"github.com/typedsession/typedsession/session"
)

// request sends a request by a browser and returns the response's status and
// body.
func request(t *testing.T, browser *http.Client, method, url string) (int, io.Reader) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res.StatusCode, res.Body
}

func TestStreamEndsWithTheSession(t *testing.T) {
	handler, err := events.New(session.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(handler) // the jar sends Secure cookies over TLS only
	t.Cleanup(srv.Close)
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Transport: srv.Client().Transport, Jar: jar}
	}
	desk, phone := browser(), browser()

	if status, _ := request(t, desk, "GET", srv.URL+"/events"); status != http.StatusForbidden {
		t.Errorf("before the login the stream answered %d, want 403", status)
	}
	for _, b := range []*http.Client{desk, phone} {
		request(t, b, "POST", srv.URL+"/login")
	}
	_, body := request(t, desk, "GET", srv.URL+"/events")
	stream := bufio.NewReader(body)
	if line, err := stream.ReadString('\n'); !strings.HasPrefix(line, "data: ") {
		t.Fatalf("the stream began with %q, %v", line, err)
	}

	request(t, phone, "POST", srv.URL+"/signout")
	rest, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(rest), "event: ended\ndata: signed out\n\n") {
		t.Errorf("the stream ended with %q", rest)
	}
	if status, _ := request(t, desk, "GET", srv.URL+"/events"); status != http.StatusForbidden {
		t.Errorf("after the sign-out the stream answered %d, want 403", status)
	}
}
