package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/typedsession/typedsession/session"
)

// What a handler hears of a session that cannot be loaded, and what becomes of
// its response.
func TestCommit3LoadFails(t *testing.T) {
	reached := false
	ok := func(w http.ResponseWriter, s *session.Session[state]) {
		reached = true
		if got := s.State(); got.Count != 7 || s.ID() == (session.ID{}) || !s.IsNew() {
			t.Errorf("the session is not a new one with the initial state: %+v", got)
		}
		w.Header().Set("X-Handler", "1")
		fmt.Fprint(w, "ok")
	}
	tests := []struct {
		name    string
		eager   bool
		handler func(m *session.Manager[state]) http.Handler
		reached bool // the handler is called
		replies bool // and its response leaves
	}{
		{"a handler that needs no session", false, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reached = true
				fmt.Fprint(w, "ok")
			})
		}, true, true},
		{"From", false, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if s := from(r); !errors.Is(s.Err(), errDown) {
					t.Errorf("Err() = %v", s.Err())
				}
				ok(w, from(r))
			})
		}, true, false},
		{"From, with Save and Transact", false, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := from(r)
				if err := s.Save(r.Context()); !errors.Is(err, errDown) {
					t.Errorf("Save: %v", err)
				}
				err := s.Transact(r.Context(), func(*state) error { t.Error("fn was called"); return nil })
				if !errors.Is(err, errDown) {
					t.Errorf("Transact: %v", err)
				}
				ok(w, s)
			})
		}, true, false},
		{"Manager.From", false, func(m *session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ok(w, m.From(r.Context())) })
		}, true, false},
		{"Load", false, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := session.Load[state](r.Context())
				if !errors.Is(err, errDown) || !errors.Is(err, session.ErrUnavailable) || !errors.Is(s.Err(), err) {
					t.Errorf("Load: %v, Err: %v", err, s.Err())
				}
				ok(w, s)
			})
		}, true, true},
		{"Load, and then something to keep", false, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, _ := session.Load[state](r.Context())
				s.SetPersistent(true)
				ok(w, s)
			})
		}, true, false},
		{"Load here, From there", false, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = session.Load[state](r.Context())
				ok(w, from(r))
			})
		}, true, false},
		{"Handle", false, func(m *session.Manager[state]) http.Handler {
			return m.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[state]) { ok(w, s) })
		}, false, false},
		{"EagerLoad", true, func(*session.Manager[state]) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ok(w, from(r)) })
		}, false, false},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				st := newJournalStore()
				m := newManager(t, st, func(cfg *session.Config[state]) {
					cfg.EagerLoad = test.eager
					cfg.Initial = func() state { return state{Count: 7} }
				})
				mux := http.NewServeMux()
				mux.HandleFunc("/begin", increment)
				mux.Handle("/", test.handler(m))
				s := serve(m.Wrap(mux))
				s.get("/begin")
				st.fail("load")
				reached = false
				got := s.get("/")
				if reached != test.reached {
					t.Errorf("reached = %v, want %v", reached, test.reached)
				}
				code, text := http.StatusOK, "ok"
				if !test.replies {
					code, text = http.StatusServiceUnavailable, "Service Unavailable\n"
				}
				if got.StatusCode != code || got.body != text {
					t.Errorf("answer: %s %q, want %d %q", got.Status, got.body, code, text)
				}
				if !test.replies && got.Header.Get("X-Handler") != "" {
					t.Errorf("a header of the handler's left: %v", got.Header)
				}
				if len(got.Cookies()) > 0 {
					t.Errorf("an outage sets a cookie: %v", got.Header)
				}
				st.fail("")
				if n := s.browser().read(m).Count; n != 8 {
					t.Errorf("after the outage Count = %d, want 8: it logged the user out", n)
				}
			})
		}
	})
}

// A token that leads nowhere is no failure, whatever the reason.
func TestCommit3ATokenThatLeadsNowhereIsNoFailure(t *testing.T) {
	for _, eager := range []bool{false, true} {
		m := newManager(t, newSpyStore(), func(cfg *session.Config[state]) { cfg.EagerLoad = eager })
		b := newBrowserWith(t, map[string]string{"__Host-session": "forged"})
		got := b.do(m, func(w http.ResponseWriter, r *http.Request) {
			if s, err := session.Load[state](r.Context()); err != nil || s.Err() != nil {
				t.Errorf("Load: %v", err)
			}
		})
		if got.StatusCode != http.StatusOK {
			t.Errorf("answer: %s", got.Status)
		}
	}
}
