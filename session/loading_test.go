package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

var errRefused = errors.New("connection refused")

// down makes the store answer nothing but errors, or works again.
func (g *harness) down(down bool) {
	g.store.before = nil
	if down {
		g.store.before = func(string, store.ID) error { return errRefused }
	}
}

func TestRequestThatUsesNoSession(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.down(true)
	g.store.calls.Store(0)
	response := g.do(g.m, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "fine") })
	if response.StatusCode != http.StatusOK || body(t, response) != "fine" {
		t.Errorf("status %d: an outage should spare what needs no session", response.StatusCode)
	}
	if calls := g.store.calls.Load(); calls != 0 {
		t.Errorf("%d calls of the store", calls)
	}
	if vary := response.Header.Get("Vary"); vary != "" {
		t.Errorf("Vary %q of a response that does not depend on the session", vary)
	}
}

func TestFirstUseLoadsOnce(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.store.calls.Store(0)
	g.do(g.m, func(_ http.ResponseWriter, r *http.Request) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got := from(r).State().Count; got != 1 {
					t.Errorf("count %d, want 1", got)
				}
			})
		}
		all.Wait()
		if s, err := session.Load[state](r.Context()); err != nil || s != from(r) || s != g.m.From(r.Context()) {
			t.Errorf("Load: %v, or another session than From's", err)
		}
	})
	if calls := g.store.calls.Load(); calls != 1 {
		t.Errorf("%d calls of the store, want 1", calls)
	}
}

// Nothing that the handler writes may leave if the session could not be loaded: the
// handler has seen a visitor who is not logged in.
func TestFromWithoutTheStore(t *testing.T) {
	uses := map[string]func(http.ResponseWriter, *session.Session[state]){
		"a read":    func(_ http.ResponseWriter, s *session.Session[state]) { _ = s.State() },
		"an update": func(_ http.ResponseWriter, s *session.Session[state]) { s.Update(setUser("mallory")) },
		"a logout":  func(_ http.ResponseWriter, s *session.Session[state]) { s.Destroy() },
		"a renewal": func(_ http.ResponseWriter, s *session.Session[state]) { s.Renew() },
		"a body":    func(w http.ResponseWriter, _ *session.Session[state]) { fmt.Fprint(w, "please log in") },
		"a redirect": func(w http.ResponseWriter, _ *session.Session[state]) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(303)
		},
		"a cookie":      func(w http.ResponseWriter, _ *session.Session[state]) { w.Header().Add("Set-Cookie", "a=b") },
		"its own error": func(w http.ResponseWriter, s *session.Session[state]) { http.Error(w, s.Err().Error(), 500) },
	}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			g := newHarness(t)
			g.update(setUser("alice"))
			g.log.kinds()
			g.down(true)
			response := g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
				s := from(r)
				g.down(false) // too late for this request
				if s.State().User != "" || !s.IsNew() {
					t.Errorf("state %+v, new %v, want the initial one", s.State(), s.IsNew())
				}
				err := s.Err()
				if !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errRefused) {
					t.Errorf("Err: %v, want ErrUnavailable with its cause", err)
				}
				use(w, s)
				if err := s.Save(r.Context()); !errors.Is(err, errRefused) {
					t.Errorf("Save: %v, want the error of the load", err)
				}
				if err := s.Transact(r.Context(), func(*state) error { return nil }); !errors.Is(err, errRefused) {
					t.Errorf("Transact: %v, want the error of the load", err)
				}
			})
			if response.StatusCode != http.StatusServiceUnavailable || len(response.Cookies()) != 0 || response.Header.Get("Location") != "" {
				t.Errorf("status %d, header %v", response.StatusCode, response.Header)
			}
			if got := body(t, response); got != "Service Unavailable\n" {
				t.Errorf("body %q", got)
			}
			g.log.want(t, "failed")
			if got := g.state().User; got != "alice" {
				t.Errorf("afterwards the session is %q's, want alice's", got)
			}
		})
	}
}

func TestErrorHandler(t *testing.T) {
	var got error
	g := newHarness(t, func(c *session.Config[state]) {
		c.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
			got = err
			if from(r).Err() == nil {
				t.Error("the session has no error")
			}
			http.Error(w, "come back later", http.StatusTeapot)
		}
	})
	g.update(count)
	g.down(true)
	response := g.use(func(s *session.Session[state]) { s.Update(count) })
	if response.StatusCode != http.StatusTeapot || body(t, response) != "come back later\n" || !errors.Is(got, errRefused) {
		t.Errorf("status %d, error %v", response.StatusCode, got)
	}
}

func TestLoadHandsOverTheError(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.down(true)
	load := func(w http.ResponseWriter, r *http.Request) *session.Session[state] {
		s, err := session.Load[state](r.Context())
		if s == nil || !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Load: %v, %v, want a session and ErrUnavailable", s, err)
		}
		fmt.Fprint(w, "without")
		return s
	}
	response := g.do(g.m, func(w http.ResponseWriter, r *http.Request) { load(w, r) })
	if response.StatusCode != http.StatusOK || body(t, response) != "without" {
		t.Errorf("status %d: the handler can do without", response.StatusCode)
	}
	response = g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
		s, _ := session.Load[state](r.Context())
		s.Update(count)
		fmt.Fprint(w, "saved")
	})
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d: the handler relied on a session that is not saved", response.StatusCode)
	}
}

func TestEagerLoad(t *testing.T) {
	g := newHarness(t, func(c *session.Config[state]) { c.EagerLoad = true })
	g.update(count)
	g.log.kinds()
	reached := false
	handler := func(http.ResponseWriter, *http.Request) { reached = true }
	g.do(g.m, handler)
	g.log.want(t, "loaded")
	if !reached {
		t.Error("the handler was not reached")
	}
	reached = false
	g.down(true)
	if response := g.do(g.m, handler); response.StatusCode != http.StatusServiceUnavailable || reached {
		t.Errorf("status %d, handler reached %v", response.StatusCode, reached)
	}
}

func TestHandle(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	calls := 0
	handler := g.m.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[state]) {
		calls++
		if s != from(r) || s.State().Count != 1 {
			t.Errorf("state %+v, or another session than From's", s.State())
		}
	})
	for _, wrapped := range []http.Handler{handler, g.m.Wrap(handler)} {
		wrapped.ServeHTTP(httptest.NewRecorder(), g.request("/"))
	}
	g.down(true)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, g.request("/"))
	if w.Code != http.StatusServiceUnavailable || calls != 2 {
		t.Errorf("status %d, %d calls, want 503 and 2", w.Code, calls)
	}
}

func TestFromOutsideOfWrap(t *testing.T) {
	calls := map[string]func(context.Context){
		"From":         func(ctx context.Context) { session.From[state](ctx) },
		"Load":         func(ctx context.Context) { _, _ = session.Load[state](ctx) },
		"Manager.From": func(ctx context.Context) { newManager(t, newSpyStore()).From(ctx) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "Wrap") || !strings.Contains(p, "session_test.state") {
					t.Errorf("panic %q, want one that names Wrap and the type", p)
				}
			}()
			// Another manager's session is not taken for it.
			other, err := session.NewManager(newSpyStore(), session.Config[int]{Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[int]})
			if err != nil {
				t.Fatal(err)
			}
			other.Handle(func(_ http.ResponseWriter, r *http.Request, _ *session.Session[int]) {
				call(r.Context())
			}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		})
	}
}

func TestTwoManagersOfOneType(t *testing.T) {
	outer := newManager(t, newSpyStore(), func(c *session.Config[state]) { c.Cookie.Name = "outer" })
	inner := newManager(t, newSpyStore(), func(c *session.Config[state]) { c.Cookie.Name = "inner" })
	b := newBrowser(t, outer.Wrap(inner.Wrap(outer.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		outer.From(r.Context()).Update(note("outer"))
		inner.From(r.Context()).Update(note("inner"))
		from(r).Update(count)
	})))))
	b.get("/")
	if got := b.read(outer); got.Note != "outer" || got.Count != 0 {
		t.Errorf("outer: %+v", got)
	}
	if got := b.read(inner); got.Note != "inner" || got.Count != 1 {
		t.Errorf("inner: %+v, which From means", got)
	}
}

// A handler that first writes and then uses the session for the first time gets the
// same errors as one that has used it before.
func TestFirstUseAfterTheResponseHasBegun(t *testing.T) {
	g := newHarness(t)
	g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begun")
		from(r).Update(count)
		if err := from(r).Save(r.Context()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Save: %v, want ErrCommitted", err)
		}
		from(r).Update(count)
	})
	g.log.want(t, "failed", "failed")
	if calls := g.store.calls.Load(); calls != 0 {
		t.Errorf("%d calls of the store for a session that no token can reach", calls)
	}
}

func TestUseAfterTheHandlerHasReturned(t *testing.T) {
	for _, loaded := range []bool{true, false} {
		t.Run(fmt.Sprint("loaded before: ", loaded), func(t *testing.T) {
			g := newHarness(t)
			g.update(note("kept"))
			var kept context.Context
			g.do(g.m, func(_ http.ResponseWriter, r *http.Request) {
				kept = r.Context()
				if loaded {
					from(r).Update(count)
				}
			})
			want := g.state()
			s := session.From[state](kept)
			if s.State().Note != "kept" {
				t.Errorf("state %+v: it can still be read", s.State())
			}
			g.log.kinds()
			s.Update(note("late"))
			s.Destroy()
			g.log.want(t, "failed", "failed")
			if err := s.Save(kept); !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Save: %v, want ErrCommitted", err)
			}
			err := s.Transact(kept, func(*state) error { return nil })
			if !errors.Is(err, session.ErrCommitted) {
				t.Errorf("Transact: %v, want ErrCommitted", err)
			}
			if got := g.state(); got.Note != want.Note || got.Count != want.Count {
				t.Errorf("state %+v, want %+v", got, want)
			}
		})
	}
}
