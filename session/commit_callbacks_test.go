package session_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// callbacks run use inside a callback of the session.
var callbacks = map[string]func(s *session.Session[state], r *http.Request, use func(st *state)){
	"Update": func(s *session.Session[state], _ *http.Request, use func(*state)) { s.Update(use) },
	"Login":  func(s *session.Session[state], _ *http.Request, use func(*state)) { s.Login(use) },
	"Transact": func(s *session.Session[state], r *http.Request, use func(*state)) {
		_ = s.Transact(r.Context(), func(st *state) error { use(st); return nil })
	},
}

// A callback may read the session, and reads it as it was before the callback.
func TestReadingASessionInsideItsCallbacks(t *testing.T) {
	for name, callback := range callbacks {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, newSpyStore())
			b := newBrowser(t, nil)
			b.do(m, increment)
			b.do(m, func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				id, created, expires := s.ID(), s.CreatedAt(), s.ExpiresAt()
				callback(s, r, func(st *state) {
					st.Count += 10
					if got := s.State().Count; got != 1 {
						t.Errorf("State shows half a change: Count = %d", got)
					}
					if s.ID() != id || s.IsNew() || s.CreatedAt() != created || s.ExpiresAt() != expires || s.Err() != nil || from(r) != s {
						t.Error("the session looks different from inside")
					}
					if got := s.Status(); got != session.StatusUnchanged {
						t.Errorf("Status = %v", got)
					}
				})
				if got := s.State().Count; got != 11 {
					t.Errorf("Count = %d, want 11", got)
				}
			})
			if n := b.read(m).Count; n != 11 {
				t.Errorf("Count = %d is stored, want 11", n)
			}
		})
	}
}

// A callback must not change the session that calls it: the two changes would have
// no order. The panic undoes the callback's own change, and a handler that recovers
// it can go on.
func TestChangingASessionInsideItsCallbacksPanics(t *testing.T) {
	changes := map[string]func(*session.Session[state], *http.Request){
		"Update":        func(s *session.Session[state], _ *http.Request) { s.Update(count) },
		"Clear":         func(s *session.Session[state], _ *http.Request) { s.Clear() },
		"Login":         func(s *session.Session[state], _ *http.Request) { s.Login(setUser("alice")) },
		"Login(nil)":    func(s *session.Session[state], _ *http.Request) { s.Login(nil) },
		"Renew":         func(s *session.Session[state], _ *http.Request) { s.Renew() },
		"SetPersistent": func(s *session.Session[state], _ *http.Request) { s.SetPersistent(true) },
		"Destroy":       func(s *session.Session[state], _ *http.Request) { s.Destroy() },
		"Save":          func(s *session.Session[state], r *http.Request) { _ = s.Save(r.Context()) },
		"Transact": func(s *session.Session[state], r *http.Request) {
			_ = s.Transact(r.Context(), func(st *state) error { st.Count++; return nil })
		},
	}
	for name, callback := range callbacks {
		for method, change := range changes {
			t.Run(method+" inside "+name, func(t *testing.T) {
				m := newManager(t, newSpyStore())
				b := newBrowser(t, nil)
				b.do(m, increment)
				response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
					s := from(r)
					value, returned := unwind(func() {
						callback(s, r, func(st *state) {
							st.Count += 10
							change(s, r)
						})
					})
					if text := fmt.Sprint(value); returned || !strings.HasPrefix(text, "session: ") || !strings.Contains(text, "inside Update or Transact") {
						t.Errorf("it panicked with %q (returned: %v)", text, returned)
					}
					if got := s.State().Count; got != 1 {
						t.Errorf("Count = %d after the panic, want 1", got)
					}
					s.Update(count)
				})
				if got := b.read(m); response.StatusCode != http.StatusOK || got.Count != 2 || got.User != "" {
					t.Errorf("status %d, state %+v", response.StatusCode, got)
				}
			})
		}
	}
}

// Another session may be changed inside a callback.
func TestChangingAnotherSessionInsideACallback(t *testing.T) {
	for name, callback := range callbacks {
		t.Run(name, func(t *testing.T) {
			outer, visits := newManager(t, newSpyStore()), newVisits(t, newSpyStore())
			b := newBrowser(t, outer.Wrap(visits.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				callback(from(r), r, func(st *state) {
					st.Count++
					session.From[visit](r.Context()).Update(func(v *visit) { v.Pages++ })
				})
				if got := session.From[visit](r.Context()).State().Pages; got < 1 {
					t.Errorf("%d pages", got)
				}
			}))))
			if response := b.get("/"); !sets(response.Header, "__Host-visit", "__Host-session") {
				t.Errorf("cookies %q", setCookies(response.Header))
			}
		})
	}
}

// The commit would wait for the callback, and the callback for the commit.
func TestWritingInsideACallbackPanics(t *testing.T) {
	for name, callback := range callbacks {
		t.Run(name, func(t *testing.T) {
			st := newJournalStore()
			m := newManager(t, st)
			b := newBrowser(t, nil)
			b.do(m, increment)
			st.ops()
			value, _ := unwind(func() {
				b.do(m, func(w http.ResponseWriter, r *http.Request) {
					increment(w, r)
					callback(from(r), r, func(*state) { _, _ = io.WriteString(w, "x") })
				})
			})
			if text := fmt.Sprint(value); !strings.HasPrefix(text, "session: ") || !strings.Contains(text, "inside Update or Transact") {
				t.Errorf("it panicked with %q", text)
			}
			if ops := st.ops(); strings.Contains(ops, "update") {
				t.Errorf("the store was asked for %q", ops)
			}
			if name == "Login" {
				return // which needs a cookie, and so no response that has begun
			}
			// Once the response has begun, there is no commit to wait for.
			got := b.do(m, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusOK)
				callback(from(r), r, func(st *state) { st.Count++; _, _ = io.WriteString(w, "x") })
			})
			if text := body(t, got); text != "x" {
				t.Errorf("the body is %q", text)
			}
			if n := b.read(m).Count; n != 2 {
				t.Errorf("Count = %d, want 2", n)
			}
		})
	}
}

// The goroutines of a request may use its session while it writes: under the
// race detector.
func TestGoroutinesOfARequest(t *testing.T) {
	const workers, rounds = 8, 20
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for _, begun := range []bool{false, true} { // true: the session is loaded by them, too
			st := newJournalStore()
			var ev recordingObserver
			m := newManager(t, st, ev.observed)
			s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/begin" {
					increment(w, r)
					return
				}
				var group sync.WaitGroup
				for range workers {
					group.Go(func() {
						for range rounds {
							s := from(r)
							s.Update(func(st *state) { st.Count += 2 })
							_, _, _, _, _ = s.State(), s.ID(), s.Status(), s.ExpiresAt(), s.IsNew()
							session.Take(s, func(st *state) *string { return &st.Note })
							if err := s.Transact(r.Context(), func(st *state) error { st.Count++; return nil }); begun && err != nil {
								t.Errorf("Transact: %v", err)
							}
						}
					})
				}
				for range rounds {
					fmt.Fprintln(w, from(r).State().Count)
					_ = http.NewResponseController(w).Flush()
				}
				group.Wait()
			})))
			if begun {
				s.get("/begin")
			}
			got := s.get("/")
			if !begun {
				// Whether the first change or the first byte was faster is open.
				continue
			}
			if len(got.Cookies()) > 0 {
				t.Errorf("cookies: %q", setCookies(got.Header))
			}
			if n := s.browser().read(m).Count; n != 1+3*workers*rounds {
				t.Errorf("Count = %d, want %d", n, 1+3*workers*rounds)
			}
			if errs := ev.failures(); errs != nil {
				t.Errorf("failures: %v", errs)
			}
		}
	})
}

// A session that was committed by one goroutine does not leave the changes of
// another in between: they are in the first write or in the second.
func TestChangesWhileTheResponseIsCommitted(t *testing.T) {
	st := newJournalStore()
	m := newManager(t, st)
	b := newBrowser(t, nil)
	b.do(m, increment)
	inside, changed := make(chan struct{}), make(chan struct{})
	journalled := st.before
	st.before = func(op string, id store.ID) error {
		if op == "update" && inside != nil {
			close(inside)
			inside = nil
		}
		return journalled(op, id)
	}
	started := inside
	b.do(m, func(w http.ResponseWriter, r *http.Request) {
		increment(w, r)
		go func() {
			<-started // the commit is at the store
			increment(w, r)
			close(changed)
		}()
		w.WriteHeader(http.StatusOK)
		<-changed
	})
	if n := b.read(m).Count; n != 3 {
		t.Errorf("Count = %d, want 3", n)
	}
}
