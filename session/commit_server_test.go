package session_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// errDown is what a store says that does not answer.
var errDown = errors.New("down")

// overEachProtocol runs a test against servers of HTTP/1.1 and of HTTP/2.
func overEachProtocol(t *testing.T, test func(t *testing.T, serve func(http.Handler) *site)) {
	t.Helper()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			test(t, func(h http.Handler) *site { return newSite(t, protocol, h) })
		})
	}
}

// site is a server on loopback, what it logs, and one browser that visits it.
type site struct {
	*httptest.Server
	t        *testing.T
	protocol string
	client   *http.Client

	// Unless it may log, the server must not: no "superfluous WriteHeader".
	mayLog bool
	mu     sync.Mutex
	logged strings.Builder
}

func newSite(t *testing.T, protocol string, h http.Handler) *site {
	t.Helper()
	s := &site{t: t, protocol: protocol, Server: httptest.NewUnstartedServer(h)}
	s.Config.ErrorLog = log.New(s, "", 0)
	s.EnableHTTP2 = protocol == "HTTP/2.0"
	s.StartTLS()
	s.client = s.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client.Jar, _ = cookiejar.New(nil)
	t.Cleanup(func() {
		s.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.mayLog && s.logged.Len() > 0 {
			t.Errorf("the server logged %q", s.logged.String())
		}
	})
	return s
}

// Write takes what the server logs.
func (s *site) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged.Write(line)
}

// request returns a request of the site.
func (s *site) request(method, path string, body io.Reader) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// answer is a response that has arrived as a whole.
type answer struct {
	*http.Response
	body          string
	informational []informational
}

// informational is an informational response.
type informational struct {
	code   int
	header http.Header
}

// get asks for a path.
func (s *site) get(path string) answer {
	s.t.Helper()
	return s.do(s.request(http.MethodGet, path, nil))
}

// do sends a request.
func (s *site) do(r *http.Request) answer {
	s.t.Helper()
	var a answer
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			a.informational = append(a.informational, informational{code, http.Header(header).Clone()})
			return nil
		},
	}))
	var err error
	if a.Response, err = s.client.Do(r); err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	a.body = body(s.t, a.Response)
	if a.Proto != s.protocol {
		s.t.Fatalf("the answer came over %s, want %s", a.Proto, s.protocol)
	}
	return a
}

// browser returns a browser with the cookies of the one that visits the site.
func (s *site) browser() *browser {
	s.t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	b := newBrowser(s.t, nil)
	for _, c := range s.client.Jar.Cookies(u) {
		b.cookies[c.Name] = c.Value
	}
	return b
}

// setCookies returns the names of the cookies that a response sets, in order,
// with "-" behind those that it expires.
func setCookies(h http.Header) []string {
	names := []string{}
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.MaxAge < 0 {
			c.Name += "-"
		}
		names = append(names, c.Name)
	}
	return names
}

// sets reports whether a response sets these cookies and no other.
func sets(h http.Header, names ...string) bool { return slices.Equal(setCookies(h), names) }

// journalStore is a memory store that records its calls and can be made to fail.
type journalStore struct {
	*spyStore
	mu   sync.Mutex
	list []string
	down string // the operations that fail
}

func newJournalStore() *journalStore {
	j := &journalStore{spyStore: &spyStore{Store: memory.New()}}
	j.before = func(op string, _ store.ID) error {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.list = append(j.list, op)
		if strings.Contains(j.down, op) {
			return errDown
		}
		return nil
	}
	return j
}

// fail makes the named operations fail from now on, and no others.
func (j *journalStore) fail(ops string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.down = ops
}

// ops returns the operations since the last call, separated by spaces.
func (j *journalStore) ops() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	ops := strings.Join(j.list, " ")
	j.list = nil
	return ops
}

// failures returns the errors of the failures since the last call.
func (e *recordingObserver) failures() []error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, event := range e.list {
		if event.Kind == session.EventFailed {
			errs = append(errs, event.Err)
		}
	}
	e.list = nil
	return errs
}

// observed is an option that makes e the Observer.
func (e *recordingObserver) observed(cfg *session.Config[state]) { cfg.Observer = e.observe }
