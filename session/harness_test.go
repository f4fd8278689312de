package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// state is the state that the tests keep.
type state struct {
	User  string
	Count int
	Note  string
	Items map[string]int
}

// quiet is a logger for tests that provoke failures.
var quiet = slog.New(slog.DiscardHandler)

// newManager returns a manager with one new key and with subjects, changed by
// the options.
func newManager(t testing.TB, st store.Store, options ...func(*session.Config[state])) *session.Manager[state] {
	t.Helper()
	cfg := session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *state) string { return s.User },
		Logger:  quiet,
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

// from is session.From for the state of the tests.
func from(r *http.Request) *session.Session[state] { return session.From[state](r.Context()) }

// increment is a handler that changes the state.
func increment(_ http.ResponseWriter, r *http.Request) {
	from(r).Update(func(s *state) { s.Count++ })
}

// login is a handler that gives the state a subject.
func login(_ http.ResponseWriter, r *http.Request) {
	from(r).Update(func(s *state) { s.User = "alice" })
}

// browser keeps cookies as a browser does, and asks a handler without a network.
type browser struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]string
	agent   string    // the User-Agent
	expires time.Time // for the test to keep
}

func newBrowser(t testing.TB, handler http.Handler) *browser {
	return &browser{t: t, handler: handler, cookies: map[string]string{}}
}

// clone returns another browser that holds the same cookies now.
func (b *browser) clone() *browser {
	c := newBrowser(b.t, b.handler)
	for name, value := range b.cookies {
		c.cookies[name] = value
	}
	return c
}

// request returns a request that presents the cookies.
func (b *browser) request(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	if len(pairs) > 0 {
		slices.Sort(pairs)
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	return r
}

// get asks for a path and keeps the cookies of the answer.
func (b *browser) get(path string) *http.Response {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, b.request(path))
	response := w.Result()
	b.keep(response)
	return response
}

func (b *browser) keep(response *http.Response) {
	for _, c := range response.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
}

// do runs one handler under m with the browser's cookies.
func (b *browser) do(m *session.Manager[state], handler http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	m.Wrap(handler).ServeHTTP(w, b.request("/"))
	response := w.Result()
	b.keep(response)
	return response
}

// read returns the state that the browser's session has now.
func (b *browser) read(m *session.Manager[state]) (s state) {
	b.do(m, func(_ http.ResponseWriter, r *http.Request) { s = from(r).State() })
	return s
}

// body returns the body of a response.
func body(t testing.TB, response *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// spyStore counts the calls of another store, and calls functions of the test before
// and after each.
type spyStore struct {
	store.Store
	calls  atomic.Int64
	before func(op string, id store.ID) error // an error is the answer
	after  func(op string, id store.ID)
}

func newSpyStore() *spyStore { return &spyStore{Store: memory.New()} }

func (s *spyStore) enter(op string, id store.ID) error {
	s.calls.Add(1)
	if s.before != nil {
		return s.before(op, id)
	}
	return nil
}

func (s *spyStore) leave(op string, id store.ID) {
	if s.after != nil {
		s.after(op, id)
	}
}

func (s *spyStore) Create(ctx context.Context, rec store.Record) error {
	if err := s.enter("create", rec.ID); err != nil {
		return err
	}
	defer s.leave("create", rec.ID)
	return s.Store.Create(ctx, rec)
}

func (s *spyStore) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := s.enter("load", id); err != nil {
		return store.Record{}, err
	}
	defer s.leave("load", id)
	return s.Store.Load(ctx, id)
}

func (s *spyStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	if err := s.enter("update", rec.ID); err != nil {
		return err
	}
	defer s.leave("update", rec.ID)
	return s.Store.Update(ctx, base, rec)
}

func (s *spyStore) Delete(ctx context.Context, id store.ID) error {
	if err := s.enter("delete", id); err != nil {
		return err
	}
	defer s.leave("delete", id)
	return s.Store.Delete(ctx, id)
}

// recordingObserver records events.
type recordingObserver struct {
	mu   sync.Mutex
	list []session.Event
}

func (e *recordingObserver) observe(_ context.Context, event session.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

// kinds returns the kinds of the events since the last call, in order.
func (e *recordingObserver) kinds() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	kinds := []string{}
	for _, event := range e.list {
		kind := event.Kind.String()
		if event.Reason != "" {
			kind += ":" + string(event.Reason)
		}
		kinds = append(kinds, kind)
	}
	e.list = nil
	return kinds
}

// want fails the test unless these are the kinds of the events since the last
// call.
func (e *recordingObserver) want(t testing.TB, kinds ...string) {
	t.Helper()
	if got := e.kinds(); !slices.Equal(got, kinds) {
		t.Errorf("events %q, want %q", got, kinds)
	}
}

// once runs fn in front of the store's next call of that kind, as another
// request that gets in between would.
func (s *spyStore) once(op string, fn func()) {
	s.before = func(called string, _ store.ID) error {
		if called == op {
			s.before = nil
			fn()
		}
		return nil
	}
}

// harness is a browser, a manager, its store and its events.
type harness struct {
	*browser
	m     *session.Manager[state]
	store *spyStore
	log   *recordingObserver
}

func newHarness(t testing.TB, options ...func(*session.Config[state])) *harness {
	t.Helper()
	g := &harness{browser: newBrowser(t, nil), store: newSpyStore(), log: &recordingObserver{}}
	g.m = newManager(t, g.store, append(options, func(c *session.Config[state]) { c.Observer = g.log.observe })...)
	return g
}

// use sends a request whose handler does fn.
func (g *harness) use(fn func(*session.Session[state])) *http.Response {
	return g.do(g.m, func(_ http.ResponseWriter, r *http.Request) { fn(from(r)) })
}

// update sends a request that changes the state.
func (g *harness) update(fn func(*state)) *http.Response {
	return g.use(func(s *session.Session[state]) { s.Update(fn) })
}

// state returns the state that the browser's session has now, without an event.
func (g *harness) state() state {
	s := g.browser.read(g.m)
	g.log.kinds()
	return s
}

// anotherTab returns a harness whose browser holds the same cookies now, for another
// request of the same user at the same time.
func (g *harness) anotherTab() *harness { return &harness{g.browser.clone(), g.m, g.store, g.log} }

// count is an update.
func count(s *state) { s.Count++ }

// note returns an update that appends to the note.
func note(text string) func(*state) { return func(s *state) { s.Note += text } }

// setUser returns an update that sets the subject.
func setUser(user string) func(*state) { return func(s *state) { s.User = user } }

// cookieChange says what a response does to the session's cookie: "", "set" or
// "expired".
func cookieChange(response *http.Response) string {
	for _, c := range response.Cookies() {
		switch {
		case c.Name != "__Host-session":
		case c.MaxAge < 0:
			return "expired"
		default:
			return "set"
		}
	}
	return ""
}
