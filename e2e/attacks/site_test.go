// Package attacks_test attacks sites that use the library, over real HTTP, as
// somebody would who has read its source. Where an attack must fail, the test
// shows that it does; where it cannot be helped, the test shows how far it goes,
// as docs/SECURITY.md says.
package attacks_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// state is what the sites keep of a visitor.
type state struct {
	User   string
	Note   string
	Count  int
	Coupon bool
}

// config is what the sites configure.
type config = session.Config[state]

// cookieName is the default.
const cookieName = "__Host-session"

// site is a web site under attack.
type site struct {
	manager *session.Manager[state]
	url     string
	client  *http.Client
}

// newManager returns a manager as the sites use it, changed by the options.
func newManager(t testing.TB, st store.Store, options ...func(*config)) *session.Manager[state] {
	t.Helper()
	cfg := config{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *state) string { return s.User },
		Logger:  slog.New(slog.DiscardHandler),
	}
	for _, option := range options {
		option(&cfg)
	}
	m, err := session.NewManager(st, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newSite serves the pages on a loopback port until the test ends.
func newSite(t testing.TB, st store.Store, options ...func(*config)) *site {
	t.Helper()
	m := newManager(t, st, options...)
	return serve(t, m, pages())
}

// serve serves other pages.
func serve(t testing.TB, m *session.Manager[state], pages http.Handler) *site {
	t.Helper()
	server := httptest.NewServer(m.Wrap(pages))
	t.Cleanup(server.Close)
	return &site{manager: m, url: server.URL, client: server.Client()}
}

// current returns the session of a request.
func current(r *http.Request) *session.Session[state] {
	return session.From[state](r.Context())
}

// tell answers with the state, for a test to compare.
func tell(w http.ResponseWriter, s *session.Session[state]) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.State())
}

// pages are what the sites serve. A site should not change anything on GET;
// these do, for short tests.
func pages() *http.ServeMux {
	mux := http.NewServeMux()
	page := func(path string, do func(r *http.Request, s *session.Session[state])) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s := current(r)
			do(r, s)
			tell(w, s)
		})
	}
	page("/read", func(*http.Request, *session.Session[state]) {})
	page("/count", func(_ *http.Request, s *session.Session[state]) {
		s.Update(func(st *state) { st.Count++ })
	})
	page("/note", func(r *http.Request, s *session.Session[state]) {
		s.Update(func(st *state) { st.Note += r.FormValue("text") })
	})
	page("/login", func(r *http.Request, s *session.Session[state]) {
		s.Update(func(st *state) { st.User = r.FormValue("user") })
	})
	page("/leave", func(_ *http.Request, s *session.Session[state]) { s.Clear() })
	page("/renew", func(_ *http.Request, s *session.Session[state]) { s.Renew() })
	page("/logout", func(_ *http.Request, s *session.Session[state]) { s.Destroy() })
	return mux
}

// reply is a response that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// state returns the state that a page told of. A request whose session has ended
// under it, or was renewed, is told nothing of it.
func (r reply) state(t testing.TB) (s state) {
	t.Helper()
	if r.status == http.StatusConflict && r.body == "Conflict\n" {
		return state{}
	}
	if err := json.Unmarshal([]byte(r.body), &s); err != nil {
		t.Fatalf("status %d, %q: %v", r.status, r.body, err)
	}
	return s
}

// setCookie returns what the response does to the session's cookie: its new
// value, "expired", or "".
func (r reply) setCookie(name string) string {
	for _, c := range (&http.Response{Header: r.header}).Cookies() {
		switch {
		case c.Name != name:
		case c.MaxAge < 0:
			return "expired"
		default:
			return c.Value
		}
	}
	return ""
}

// ask requests a path with these lines as Cookie headers.
func (s *site) ask(t testing.TB, path string, cookies ...string) reply {
	t.Helper()
	return s.do(t, path, http.Header{"Cookie": cookies})
}

// do requests a path with a header.
func (s *site) do(t testing.TB, path string, header http.Header) reply {
	t.Helper()
	answer, err := s.try(t.Context(), path, header)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// atOnce requests the paths at the same time, all with one cookie. It may be
// called from any goroutine.
func (s *site) atOnce(t testing.TB, cookie string, paths ...string) []reply {
	t.Helper()
	answers, errs := make([]reply, len(paths)), make([]error, len(paths))
	var wg sync.WaitGroup
	for i, path := range paths {
		wg.Go(func() { answers[i], errs[i] = s.try(t.Context(), path, http.Header{"Cookie": {cookie}}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
		return nil
	}
	return answers
}

func (s *site) try(ctx context.Context, path string, header http.Header) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return reply{}, err
	}
	r.Header = header
	response, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	return read(response)
}

func read(response *http.Response) (reply, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(body)}, err
}

// dial opens a connection for what an HTTP client would not send.
func (s *site) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// raw sends a request as it is, byte by byte, but for its first lines and last.
func (s *site) raw(t testing.TB, path string, lines ...string) reply {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	var request bytes.Buffer
	request.WriteString("GET " + path + " HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n")
	for _, line := range lines {
		request.WriteString(line + "\r\n")
	}
	request.WriteString("\r\n")
	go func() {
		_, _ = conn.Write(request.Bytes()) // the server may have heard enough
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := read(response)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// pipeline requests a path once for each cookie header, without waiting for one
// answer before the next request, and hands over the answers in order: the
// cheapest way to try many.
func (s *site) pipeline(t testing.TB, path string, cookies []string, answered func(i int, answer reply)) {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	go func() {
		w := bufio.NewWriter(conn)
		for _, cookie := range cookies {
			// Where this fails, no answer comes.
			_, _ = fmt.Fprintf(w, "GET %s HTTP/1.1\r\nHost: example.com\r\nCookie: %s\r\n\r\n", path, cookie)
		}
		_ = w.Flush()
	}()
	r := bufio.NewReader(conn)
	for i := range cookies {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("answer %d of %d: %v", i, len(cookies), err)
		}
		answer, err := read(response)
		if err != nil {
			t.Fatal(err)
		}
		answered(i, answer)
	}
}

// browser keeps the cookies of one visitor.
type browser struct {
	*site
	cookies map[string]string
}

func (s *site) browser() *browser { return &browser{s, map[string]string{}} }

// get requests a path and keeps the cookies of the answer.
func (b *browser) get(t testing.TB, path string) reply {
	t.Helper()
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	answer := b.ask(t, path, strings.Join(pairs, "; "))
	for _, c := range (&http.Response{Header: answer.header}).Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return answer
}

// token returns the value of the default cookie.
func (b *browser) token() string { return b.cookies[cookieName] }

// steal returns another browser with the same cookies.
func (b *browser) steal() *browser {
	thief := b.browser()
	for name, value := range b.cookies {
		thief.cookies[name] = value
	}
	return thief
}

// login returns a browser in which somebody has logged in.
func (s *site) login(t testing.TB, user string) *browser {
	t.Helper()
	b := s.browser()
	if got := b.get(t, "/login?user="+user).state(t); got.User != user {
		t.Fatalf("%q cannot log in: %+v", user, got)
	}
	return b
}
