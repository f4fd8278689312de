package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// destroyElsewhere ends the browser's session by another request.
func destroyElsewhere(g *harness) { g.anotherTab().use((*session.Session[state]).Destroy) }

// revoke ends it in the store, as an administrator would.
func revoke(g *harness) {
	id := g.anotherTab().id()
	_ = g.store.Store.Delete(context.Background(), id)
}

// TestSlowRequestRevivesNothing is the case by which libraries get known, over a
// network: a request that is still running when its session ends.
func TestSlowRequestRevivesNothing(t *testing.T) {
	for name, end := range map[string]string{"destroyed": "/logout", "renewed": "/renew"} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, memory.New())
			loaded, ended := make(chan struct{}), make(chan struct{})
			mux := http.NewServeMux()
			mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				s.Update(note("slow"))
				close(loaded)
				<-ended
				s.Update(count)
			})
			mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() })
			mux.HandleFunc("/renew", func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() })

			b := newBrowser(t, nil)
			b.do(m, login)
			old := b.clone()
			ask := serve(t, b, m.Wrap(mux))
			slow := make(chan *http.Response, 1)
			go func() {
				response, err := ask("/slow")
				if err != nil {
					t.Error(err)
				}
				slow <- response
			}()
			<-loaded
			response, err := ask(end)
			if err != nil {
				t.Fatal(err)
			}
			b.keep(response)
			close(ended)
			if response := <-slow; response == nil || cookieChange(response) != "" {
				t.Errorf("the slow response: %+v", response)
			}
			if diff := cmp.Diff(state{}, old.read(m)); diff != "" {
				t.Errorf("the old cookie still opens something (-want +got):\n%s", diff)
			}
			want := state{}
			if name == "renewed" {
				want.User = "alice"
			}
			if diff := cmp.Diff(want, b.read(m)); diff != "" {
				t.Errorf("the session (-want +got):\n%s", diff)
			}
		})
	}
}

// answerOf is what the client is told, or "refused" by ErrEnded.
func answerOf(response *http.Response) string {
	if response.StatusCode == http.StatusConflict {
		return "refused" + cookieChange(response)
	}
	return cookieChange(response)
}

func TestEndedUnderTheRequest(t *testing.T) {
	ends := map[string]func(*harness){"destroyed": destroyElsewhere, "revoked": revoke}
	tests := []struct {
		name   string
		rest   func(*session.Session[state])
		cookie string
		events []string
		state  state // of the browser afterwards
	}{
		{"a read", func(*session.Session[state]) {}, "", []string{}, state{}},
		{"an update", func(s *session.Session[state]) { s.Update(count) }, "refused", []string{"rejected:unknown", "failed"}, state{}},
		{"one without effect", func(s *session.Session[state]) { s.Update(func(*state) {}) }, "", []string{}, state{}},
		{"persistence", func(s *session.Session[state]) { s.SetPersistent(true) }, "", []string{"rejected:unknown"}, state{}},
		{"a logout", func(s *session.Session[state]) { s.Update(setUser("")) }, "", []string{"rejected:unknown"}, state{}},
		{"a change of user", func(s *session.Session[state]) { s.Update(setUser("bob")) }, "set", []string{"rejected:unknown", "created"}, state{User: "bob"}},
		{"a renewal", (*session.Session[state]).Renew, "", []string{"rejected:unknown"}, state{}},
		{"a confirmed password", func(s *session.Session[state]) { s.Login(nil) }, "", []string{"rejected:unknown"}, state{}},
		{"its own destruction", (*session.Session[state]).Destroy, "expired", []string{"destroyed"}, state{}},
		{"its own destruction and a message", func(s *session.Session[state]) {
			s.Destroy()
			s.Update(note("bye"))
		}, "set", []string{"destroyed", "created"}, state{Note: "bye"}},
		{"a transaction that logs in", func(s *session.Session[state]) {
			_ = s.Transact(context.Background(), func(st *state) error { st.User += "bob"; return nil })
		}, "set", []string{"rejected:unknown", "created"}, state{User: "bob"}},
	}
	for name, end := range ends {
		for _, test := range tests {
			t.Run(name+": "+test.name, func(t *testing.T) {
				g := newHarness(t)
				g.update(func(s *state) { s.User, s.Note = "alice", "of the old session" })
				old := g.id()
				response := g.use(func(s *session.Session[state]) {
					end(g)
					g.log.kinds()
					test.rest(s)
				})
				g.log.want(t, test.events...)
				if answerOf(response) != test.cookie {
					t.Errorf("status %d, cookie %q, want %q", response.StatusCode, cookieChange(response), test.cookie)
				}
				if diff := cmp.Diff(test.state, g.state()); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
				if test.cookie == "set" && g.id() == old {
					t.Error("the new session has the ID of the old one")
				}
				if _, err := g.store.Store.Load(t.Context(), old); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the old record: %v, want ErrNotFound", err)
				}
			})
		}
	}
}

// The other order: what was written first does not save the session.
func TestUpdateThenDestroyElsewhere(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	tab := g.anotherTab()
	g.use(func(s *session.Session[state]) {
		s.Destroy()
		tab.update(note("first"))
	})
	if diff := cmp.Diff(state{}, tab.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// Both end up without a session, whichever call of the store comes first.
func TestDestroyMeetsUpdateInTheStore(t *testing.T) {
	for _, op := range []string{"update", "delete"} {
		t.Run("another gets in before the "+op, func(t *testing.T) {
			g := newHarness(t)
			g.update(setUser("alice"))
			tab, other := g.anotherTab(), (*session.Session[state]).Destroy
			mine := func(s *session.Session[state]) { s.Update(note("mine")) }
			if op == "delete" {
				mine, other = other, mine
			}
			g.use(func(s *session.Session[state]) {
				mine(s)
				g.store.once(op, func() { tab.use(other) })
			})
			if diff := cmp.Diff(state{}, tab.state()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// A login that took so long that its anonymous session was gone is still one,
// with all that it asked for.
func TestSlowLogin(t *testing.T) {
	g := newHarness(t, func(c *session.Config[state]) {
		c.Initial = func() state { return state{Items: map[string]int{"welcome": 1}} }
	})
	g.update(func(s *state) { s.Note, s.Items["old"] = "old", 1 })
	response := g.use(func(s *session.Session[state]) {
		s.SetPersistent(true)
		s.Update(setUser("alice"))
		s.Update(count)
		destroyElsewhere(g)
	})
	if c := response.Cookies(); len(c) != 1 || c[0].MaxAge <= 0 {
		t.Errorf("cookies %v, want a persistent one", c)
	}
	want := state{User: "alice", Count: 1, Items: map[string]int{"welcome": 1}}
	if diff := cmp.Diff(want, g.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestSaveAfterTheSessionHasEnded(t *testing.T) {
	g := newHarness(t)
	g.update(note("old"))
	response := g.use(func(s *session.Session[state]) {
		old := s.ID()
		destroyElsewhere(g)
		for range 2 {
			s.Update(note("new"))
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Save: %v, want ErrNotFound", err)
			}
		}
		if s.ID() == old || !s.IsNew() || !s.ExpiresAt().IsZero() || s.State().Note == "oldnewnew" {
			t.Errorf("same ID %v, new %v, expires %v, %+v", s.ID() == old, s.IsNew(), s.ExpiresAt(), s.State())
		}
		// A login after that begins a new session.
		s.Update(setUser("bob"))
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("a login: %v", err)
		}
	})
	if got := g.state(); cookieChange(response) != "set" || got.User != "bob" || got.Note != "" {
		t.Errorf("cookie %q, state %+v", cookieChange(response), got)
	}
}

func TestExpiryUnderTheRequest(t *testing.T) {
	tests := []struct {
		name   string
		wait   time.Duration // before the request, which takes 2 ms
		rest   func(*session.Session[state])
		cookie string
		kept   bool
	}{
		{"an update in time", time.Hour - 3*time.Millisecond, func(s *session.Session[state]) { s.Update(count) }, "", true},
		{"an update across the end", time.Hour - 2*time.Millisecond, func(s *session.Session[state]) { s.Update(count) }, "", true},
		{"a read across the end", time.Hour - 2*time.Millisecond, func(s *session.Session[state]) { _ = s.State() }, "", true},
		{"a login across the end", time.Hour - 2*time.Millisecond, func(s *session.Session[state]) { s.Update(setUser("bob")) }, "set", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newHarness(t)
				g.update(note("old"))
				old := g.anotherTab()
				time.Sleep(test.wait)
				response := g.use(func(s *session.Session[state]) {
					if got := s.State().Note; got != "old" {
						t.Errorf("note %q: it expired too early", got)
					}
					time.Sleep(2 * time.Millisecond)
					test.rest(s)
				})
				if cookieChange(response) != test.cookie || response.StatusCode != http.StatusOK {
					t.Errorf("status %d, cookie %q, want %q", response.StatusCode, cookieChange(response), test.cookie)
				}
				if got := old.state().Note == "old"; got != test.kept {
					t.Errorf("the session is there: %v, want %v", got, test.kept)
				}
			})
		})
	}
}

// A transaction goes on with a session that was live when the request loaded it.
func TestExpiryUnderATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The store's records live longer than the manager will have it.
		store := memory.New()
		key := session.NewKey()
		b := newBrowser(t, nil)
		b.do(newManager(t, store, func(c *session.Config[state]) { c.Keys = []session.Key{key} }), increment)
		m := newManager(t, store, func(c *session.Config[state]) {
			c.Keys, c.IdleTimeout = []session.Key{key}, time.Minute
		})
		time.Sleep(time.Minute - time.Millisecond)
		b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			s := from(r)
			if s.State().Count != 1 {
				t.Error("it expired too early")
			}
			time.Sleep(time.Millisecond)
			err := s.Transact(r.Context(), func(st *state) error { st.Count++; return nil })
			if err != nil {
				t.Errorf("Transact: %v", err)
			}
		})
		if got := b.read(m).Count; got != 2 {
			t.Errorf("Count = %d, want 2", got)
		}
	})
}

// A renewal that was saved is announced with the response, unless its session
// has ended before that.
func TestSessionThatEndsAfterItWasSaved(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	response := g.use(func(s *session.Session[state]) {
		s.Renew()
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		if err := g.store.Store.Delete(t.Context(), s.ID()); err != nil {
			t.Error(err)
		}
		s.Update(count)
	})
	if cookieChange(response) != "" {
		t.Errorf("cookie %q of a session that is no more", cookieChange(response))
	}
}
