package session_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// callbacks are the functions of the application's that run while the session
// is changed. Each runs use inside of one.
var callbacks = map[string]func(s *session.Session[state], r *http.Request, use func(st *state)){
	"Update": func(s *session.Session[state], _ *http.Request, use func(*state)) { s.Update(use) },
	"Update inside Update": func(s *session.Session[state], _ *http.Request, use func(*state)) {
		s.Update(func(*state) { s.Update(use) })
	},
	"Take": func(s *session.Session[state], _ *http.Request, use func(*state)) {
		session.Take(s, func(st *state) *string { use(st); return &st.Note })
	},
	"Transact": func(s *session.Session[state], r *http.Request, use func(*state)) {
		_ = s.Transact(r.Context(), func(st *state) error { use(st); return nil })
	},
}

// No callback waits for a lock that it is called under.
func TestSessionInsideItsCallbacks(t *testing.T) {
	for name, callback := range callbacks {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, newSpyStore())
			b := newBrowser(t, nil)
			b.do(m, increment)
			got := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
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
					s.Update(func(same *state) {
						if same != st {
							t.Error("an Update inside works on another state")
						}
						same.Count += 100
					})
					if got := st.Count; got != 111 {
						t.Errorf("Count = %d after the Update inside, want 111", got)
					}
					if err := s.Save(r.Context()); err == nil || errors.Is(err, session.ErrCommitted) {
						t.Errorf("Save: %v", err)
					}
					if err := s.Transact(r.Context(), func(*state) error { return nil }); err == nil {
						t.Error("Transact inside works")
					}
					s.Renew()
				})
				if got := s.State().Count; got != 111 {
					t.Errorf("Count = %d, want 111", got)
				}
				if got := s.Status(); got != session.StatusRenewed {
					t.Errorf("Status = %v, want renewed", got)
				}
			})
			if !sets(got.Header, "__Host-session") {
				t.Errorf("cookies: %q, want the renewed one", setCookies(got.Header))
			}
			if n := b.read(m).Count; n != 111 {
				t.Errorf("Count = %d is stored, want 111", n)
			}
		})
	}
}

func TestDestroyInsideACallback(t *testing.T) {
	for name, callback := range callbacks {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, newSpyStore())
			b := newBrowser(t, nil)
			b.do(m, login)
			got := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				callback(s, r, func(st *state) { s.Destroy(); st.Count = 5 })
				if s.Status() != session.StatusDestroyed || !s.IsNew() {
					t.Errorf("Status = %v", s.Status())
				}
				if diff := cmp.Diff(state{}, s.State()); diff != "" {
					t.Errorf("the state (-initial +got):\n%s", diff)
				}
			})
			if !sets(got.Header, "__Host-session-") {
				t.Errorf("cookies: %q, want it expired", setCookies(got.Header))
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
			if text := fmt.Sprint(value); !strings.HasPrefix(text, "session: ") || !strings.Contains(text, "written inside Update") {
				t.Errorf("it panicked with %q", text)
			}
			if ops := st.ops(); strings.Contains(ops, "update") {
				t.Errorf("the store was asked for %q", ops)
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
							s.Update(func(st *state) {
								st.Count++
								s.Update(func(st *state) { st.Count++ })
							})
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
