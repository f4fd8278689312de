package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/typedsession/typedsession/examples/api"
	"github.com/typedsession/typedsession/session"
)

// client sends requests with its token, if it has one.
type client struct {
	t       *testing.T
	handler http.Handler
	token   string
}

func newClient(t *testing.T) *client {
	t.Helper()
	handler, err := api.New(session.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, handler: handler}
}

// do sends a request and checks the status of the response.
func (c *client) do(method, path, body string, status int) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	if w.Code != status {
		c.t.Errorf("%s %s answered %d %q, want %d", method, path, w.Code, w.Body, status)
	}
	return w
}

func (c *client) login() {
	c.t.Helper()
	w := c.do("POST", "/login", `{"name":"alice","password":"wonderland"}`, http.StatusOK)
	var body struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Token == "" {
		c.t.Fatalf("the login answered %q: %v", w.Body, err)
	}
	c.token = body.Token
}

func TestNotes(t *testing.T) {
	c := newClient(t)
	c.login()
	c.do("POST", "/notes", `{"text":"buy tea"}`, http.StatusCreated)
	c.do("POST", "/notes", `{"text":"drink it"}`, http.StatusCreated)
	if got, want := c.do("GET", "/notes", "", http.StatusOK).Body.String(), `["buy tea","drink it"]`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWithoutALiveTokenTheAnswerIs401(t *testing.T) {
	c := newClient(t)
	w := c.do("GET", "/notes", "", http.StatusUnauthorized)
	if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate is %q, want Bearer", got)
	}
	c.token = "made-up"
	c.do("GET", "/notes", "", http.StatusUnauthorized)

	c.login()
	c.do("POST", "/logout", "", http.StatusNoContent)
	c.do("GET", "/notes", "", http.StatusUnauthorized)
}

func TestRequestsThatAreWrongAreRefused(t *testing.T) {
	c := newClient(t)
	w := c.do("POST", "/login", `{"name":"alice","password":"guess"}`, http.StatusUnauthorized)
	if got := w.Header().Get("Authorization"); got != "" {
		t.Error("a failed login answered with a token")
	}
	c.do("POST", "/login", `name=alice`, http.StatusBadRequest)
	c.login()
	c.do("POST", "/notes", strings.Repeat(" ", 64<<10)+`{}`, http.StatusBadRequest)
}
