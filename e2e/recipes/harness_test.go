package recipes_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // some tests provoke failures
	os.Exit(m.Run())
}

// newManager returns a manager with a key, if the configuration has none.
func newManager[T any](t *testing.T, st store.Store, cfg session.Config[T]) *session.Manager[T] {
	t.Helper()
	if cfg.Keys == nil {
		cfg.Keys = []session.Key{session.NewKey()}
	}
	m, err := session.NewManager(st, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// browser keeps cookies, and calls a handler without a network. It does not
// follow redirects.
type browser struct {
	t       *testing.T
	handler http.Handler
	jar     http.CookieJar
}

func newBrowser(t *testing.T, h http.Handler) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, h, jar}
}

// reply is a response that was read to its end.
type reply struct {
	*http.Response
	body string
}

// get asks for a URL. It may be called in any goroutine.
func (b *browser) get(target string) reply {
	if strings.HasPrefix(target, "/") {
		target = "https://app.test" + target
	}
	r := httptest.NewRequest(http.MethodGet, target, nil)
	return b.do(r)
}

func (b *browser) do(r *http.Request) reply {
	u := &url.URL{Scheme: r.URL.Scheme, Host: r.Host, Path: r.URL.Path}
	for _, c := range b.jar.Cookies(u) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	response := w.Result()
	defer response.Body.Close()
	b.jar.SetCookies(u, response.Cookies())
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Error(err)
	}
	return reply{response, string(body)}
}

// wants fails the test unless the answer has this status and body.
func (a reply) wants(t *testing.T, code int, body string) {
	t.Helper()
	if a.StatusCode != code || strings.TrimSpace(a.body) != body {
		t.Errorf("the answer is %d %q, want %d %q", a.StatusCode, a.body, code, body)
	}
}
