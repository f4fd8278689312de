package frameworks_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// site is a server on loopback that runs an application, and one browser that
// visits it.
type site struct {
	*httptest.Server
	place
	t      *testing.T
	client *http.Client
	store  *failingStore
	app    *app

	mu     sync.Mutex
	logged strings.Builder
}

// start builds an application and serves it. What the server or the framework
// logs, a header that was written twice for instance, fails the test.
func (p place) start(t *testing.T, options ...func(*app)) *site {
	t.Helper()
	s := &site{t: t, place: p, store: &failingStore{Store: memory.New()}}
	m, err := session.NewManager(s.store, session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: session.Anonymous[state],
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.app = &app{
		m: m, log: s, files: files(t),
		proceed: make(chan struct{}, 1), done: make(chan struct{}),
		front: func(h http.Handler) http.Handler { return h },
	}
	for _, option := range options {
		option(s.app)
	}
	if p.serve != nil {
		p.serve(s, s.app)
	} else {
		s.Server = s.serveHTTP(s.app.front(p.build(s.app)))
	}
	s.client = s.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client.Jar, _ = cookiejar.New(nil)
	t.Cleanup(func() {
		s.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.logged.Len() > 0 {
			t.Errorf("logged: %s", s.logged.String())
		}
	})
	return s
}

// serveHTTP starts a server. The session's cookie is a secure one, so it speaks
// TLS.
func (s *site) serveHTTP(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(s, "", 0)
	server.EnableHTTP2 = s.proto == 2
	server.StartTLS()
	return server
}

// Write takes what is logged.
func (s *site) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged.Write(line)
}

// answer is a response that has arrived as a whole.
type answer struct {
	*http.Response
	body string
}

// ask sends a request.
func (s *site) ask(method, path string, header ...string) answer {
	s.t.Helper()
	r := s.newRequest(method, path)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if response.ProtoMajor != s.proto {
		s.t.Fatalf("%s %s: answered over %s", method, path, response.Proto)
	}
	return answer{response, string(text)}
}

func (s *site) get(path string) answer {
	s.t.Helper()
	return s.ask(http.MethodGet, path)
}

func (s *site) newRequest(method, path string) *http.Request {
	s.t.Helper()
	if s.request != nil {
		return s.request(s, method, path)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// count returns the session's state as the next request reads it.
func (s *site) count() int {
	s.t.Helper()
	a := s.get("/count")
	if a.StatusCode != http.StatusOK || len(a.Cookies()) > 0 || !varies(a.Header) {
		s.t.Errorf("/count: %s %v", a.Status, a.Header)
	}
	return s.number(a)
}

// number returns the count that a JSON response tells.
func (s *site) number(a answer) int {
	s.t.Helper()
	var body struct{ Count int }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		s.t.Errorf("%s: %q: %v", a.Request.URL.Path, a.body, err)
	}
	return body.Count
}

// counts fails the test unless the state is this one.
func (s *site) counts(want int) {
	s.t.Helper()
	if got := s.count(); got != want {
		s.t.Errorf("the next request counts %d, want %d", got, want)
	}
}

// begins fails the test unless the response has this status and starts a session.
func (s *site) begins(a answer, code int) {
	s.t.Helper()
	if a.StatusCode != code {
		s.t.Errorf("%s: %s, want %d", a.Request.URL.Path, a.Status, code)
	}
	s.carries(a.Header)
}

// carries fails the test unless the header is one that starts a session: with
// one cookie, and kept by no cache.
func (s *site) carries(h http.Header) {
	s.t.Helper()
	if !slices.Equal(setCookies(h), []string{"__Host-session"}) || h.Get("Cache-Control") != "no-store" || !varies(h) {
		s.t.Errorf("%v does not start a session", h)
	}
}

// refuses fails the test unless a request is answered with the ErrorHandler's
// response, and nothing of the application's, while the store is down; and
// unless the state is the initial one afterwards.
func (s *site) refuses(method, path string) {
	s.t.Helper()
	var a answer
	s.down(func() { a = s.ask(method, path) })
	want := "Service Unavailable\n"
	if method == http.MethodHead {
		want = ""
	}
	if a.StatusCode != http.StatusServiceUnavailable || a.body != want || len(a.Cookies()) > 0 ||
		a.Header.Get("Location")+a.Header.Get("Last-Modified") != "" {
		s.t.Errorf("%s while the store is down: %s %q %v", path, a.Status, a.body, a.Header)
	}
	s.counts(0)
}

// down does something while the store is down.
func (s *site) down(do func()) {
	s.store.fail("create")
	s.app.down.Store(true)
	do()
	s.store.fail("")
	s.app.down.Store(false)
}

// flow is a response that goes on.
type flow struct {
	header http.Header
	next   func() string // "" at the end
	close  func()
}

func (s *site) flow(path string) *flow {
	s.t.Helper()
	if s.open != nil {
		return s.open(s, path)
	}
	response, err := s.client.Do(s.newRequest(http.MethodGet, path)) //nolint:bodyclose // flow.close does
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.ProtoMajor != s.proto {
		s.t.Errorf("%s: %s over %s", path, response.Status, response.Proto)
	}
	lines := bufio.NewScanner(response.Body)
	return &flow{response.Header, func() string {
		for lines.Scan() {
			if text := strings.TrimPrefix(lines.Text(), "data:"); text != "" && !strings.HasPrefix(text, "event:") {
				return strings.TrimSpace(text)
			}
		}
		if err := lines.Err(); err != nil {
			s.t.Errorf("%s: %v", path, err)
		}
		return ""
	}, func() { response.Body.Close() }}
}

// expect fails the test unless this is what comes next.
func (f *flow) expect(t *testing.T, want string) {
	t.Helper()
	if got := f.next(); got != want {
		t.Errorf("next came %q, want %q", got, want)
	}
}

// setCookies returns the names of the cookies that a response sets, in order.
func setCookies(h http.Header) []string {
	var names []string
	for _, c := range (&http.Response{Header: h}).Cookies() {
		names = append(names, c.Name)
	}
	return names
}

// varies reports whether Vary names the cookie, once.
func varies(h http.Header) bool {
	return strings.Count(strings.Join(h["Vary"], ", "), "Cookie") == 1
}
