package session_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

func TestCommit6LaterChangesAreSavedAtReturn(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		var ev recordingObserver
		m := newManager(t, st, ev.observed)
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/first" {
				increment(w, r)
			}
			_ = http.NewResponseController(w).Flush()
			increment(w, r)
			increment(w, r)
			if r.URL.Path == "/save" {
				st.ops()
				if err := from(r).Save(r.Context()); err != nil {
					t.Errorf("Save: %v", err)
				}
				err := from(r).Transact(r.Context(), func(s *state) error { s.Count++; return nil })
				if err != nil {
					t.Errorf("Transact: %v", err)
				}
				if got := st.ops(); got != "update load update" {
					t.Errorf("Save and Transact asked the store for %q", got)
				}
			}
		})))
		for _, step := range []struct {
			path, ops string
			count     int
		}{
			{"/first", "create update", 3}, // one write before the header, one after
			{"/then", "load update", 5},
			{"/save", "", 8}, // nothing is left to save
		} {
			response := s.get(step.path)
			if got := len(response.Cookies()); got != 1 && step.path == "/first" || got != 0 && step.path != "/first" {
				t.Errorf("%s sets %d cookies", step.path, got)
			}
			if got := st.ops(); got != step.ops {
				t.Errorf("%s asked the store for %q, want %q", step.path, got, step.ops)
			}
			if n := s.browser().read(m).Count; n != step.count {
				t.Errorf("%s: Count = %d, want %d", step.path, n, step.count)
			}
			st.ops()
		}
		if errs := ev.failures(); errs != nil {
			t.Errorf("failures: %v", errs)
		}
	})
}

func TestCommit6WhatNeedsANewCookieIsReported(t *testing.T) {
	destroy := func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }
	tests := []struct {
		name       string
		clientHeld bool
		begin      bool // there is a session before
		act        http.HandlerFunc
	}{
		{"new session", false, false, increment},
		{"new session with a subject", false, false, login},
		{"login", false, true, login},
		{"renew", false, true, func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() }},
		{"persist", false, true, func(_ http.ResponseWriter, r *http.Request) { from(r).SetPersistent(true) }},
		{"begin a new session", false, true, func(w http.ResponseWriter, r *http.Request) { destroy(w, r); increment(w, r) }},
		{"new session, client-held", true, false, increment},
		{"change, client-held", true, true, increment},
		{"destroy, client-held", true, true, destroy},
		{"renew, client-held", true, true, func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() }},
	}
	// first is what the handler does before the response begins.
	firsts := map[string]http.HandlerFunc{
		"looked at before":   func(_ http.ResponseWriter, r *http.Request) { from(r) },
		"looked at only now": func(http.ResponseWriter, *http.Request) {},
	}
	for _, test := range tests {
		for first, look := range firsts {
			for _, saved := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/saved=%v", test.name, first, saved), func(t *testing.T) {
					journal := newJournalStore()
					var st store.Store = journal
					if test.clientHeld {
						st = cookie.New()
					}
					var ev recordingObserver
					m := newManager(t, st, ev.observed)
					b := newBrowser(t, nil)
					if test.begin {
						b.do(m, increment)
					}
					before := b.read(m)
					journal.ops()
					ev.failures()
					var err error
					got := b.do(m, func(w http.ResponseWriter, r *http.Request) {
						look(w, r)
						w.WriteHeader(http.StatusOK)
						test.act(w, r)
						if saved {
							err = from(r).Save(r.Context())
						}
					})
					if saved && !errors.Is(err, session.ErrCommitted) {
						t.Errorf("Save: %v, want ErrCommitted", err)
					}
					if errs := ev.failures(); len(errs) != 1 || !errors.Is(errs[0], session.ErrCommitted) {
						t.Errorf("failures: %v, want one ErrCommitted", errs)
					}
					if len(got.Cookies()) > 0 {
						t.Errorf("it sets cookies: %v", got.Header)
					}
					want := ""
					if test.begin && !test.clientHeld {
						want = "load"
					}
					if test.name == "begin a new session" {
						before, want = state{}, "load delete"
					}
					if got := journal.ops(); got != want {
						t.Errorf("the store was asked for %q, want %q", got, want)
					}
					if after := b.read(m); after.Count != before.Count || after.User != before.User {
						t.Errorf("the session was %+v and is %+v", before, after)
					}
				})
			}
		}
	}
}

func TestCommit6TransactThatNeedsANewCookie(t *testing.T) {
	for _, begin := range []bool{false, true} {
		m := newManager(t, newSpyStore())
		b := newBrowser(t, nil)
		if begin {
			b.do(m, increment)
		}
		b.do(m, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			s := from(r)
			err := s.Transact(r.Context(), func(s *state) error { s.User = "alice"; return nil })
			if !errors.Is(err, session.ErrCommitted) {
				t.Errorf("begin=%v: Transact: %v, want ErrCommitted", begin, err)
			}
			if got := s.State(); got.User != "" {
				t.Errorf("begin=%v: it failed and left %+v", begin, got)
			}
		})
		if got := b.read(m); got.User != "" {
			t.Errorf("begin=%v: it failed and stored %+v", begin, got)
		}
	}
}

// The client keeps a cookie of no session: it cannot be expired any more.
func TestCommit6DestroyDeletesTheRecord(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for _, path := range []string{"/before", "/only-now"} {
			st := newJournalStore()
			var ev recordingObserver
			m := newManager(t, st, ev.observed)
			s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/begin":
					login(w, r)
					return
				case "/before":
					from(r)
				}
				fmt.Fprint(w, "bye")
				from(r).Destroy()
			})))
			s.get("/begin")
			st.ops()
			s.get(path)
			if got := st.ops(); got != "load delete" {
				t.Errorf("%s: the store was asked for %q, want load delete", path, got)
			}
			if got := s.browser().read(m); got.User != "" {
				t.Errorf("%s: the session lives on: %+v", path, got)
			}
			if errs := ev.failures(); errs != nil {
				t.Errorf("%s: failures: %v", path, errs)
			}
		}
	})
}

func TestCommit6AfterTheHandlerReturnedIsReported(t *testing.T) {
	ctx := t.Context()
	changes := map[string]func(*session.Session[state]) error{
		"Update":        func(s *session.Session[state]) error { s.Update(func(s *state) { s.Count++ }); return nil },
		"Clear":         func(s *session.Session[state]) error { s.Clear(); return nil },
		"Renew":         func(s *session.Session[state]) error { s.Renew(); return nil },
		"SetPersistent": func(s *session.Session[state]) error { s.SetPersistent(true); return nil },
		"Destroy":       func(s *session.Session[state]) error { s.Destroy(); return nil },
		"Save":          func(s *session.Session[state]) error { return s.Save(ctx) },
		"Transact":      func(s *session.Session[state]) error { return s.Transact(ctx, func(*state) error { return nil }) },
	}
	for name, change := range changes {
		for _, looked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/looked=%v", name, looked), func(t *testing.T) {
				st := newJournalStore()
				var ev recordingObserver
				m := newManager(t, st, ev.observed)
				b := newBrowser(t, nil)
				b.do(m, increment)
				var kept *http.Request
				b.do(m, func(_ http.ResponseWriter, r *http.Request) {
					if kept = r; looked {
						from(r)
					}
				})
				s := from(kept)
				st.ops()
				ev.failures()
				err := change(s)
				errs := append(ev.failures(), err)
				if !errors.Is(errs[0], session.ErrCommitted) {
					t.Errorf("reported: %v, want ErrCommitted", errs)
				}
				if got := st.ops(); got != "" {
					t.Errorf("the store was asked for %q", got)
				}
				// It can still be read.
				_, _, _ = s.State(), s.Status(), s.ExpiresAt()
			})
		}
	}
}

// What a change after the commit comes to when the store fails is an event: the
// response is gone.
func TestCommit6FailureAtReturnIsReported(t *testing.T) {
	st := newJournalStore()
	var ev recordingObserver
	m := newManager(t, st, ev.observed)
	b := newBrowser(t, nil)
	b.do(m, increment)
	st.fail("update")
	got := b.do(m, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "ok")
		increment(w, r)
	})
	if text := body(t, got); got.StatusCode != http.StatusOK || text != "ok" {
		t.Errorf("answer: %s %q", got.Status, text)
	}
	if errs := ev.failures(); len(errs) != 1 || !errors.Is(errs[0], errDown) {
		t.Errorf("failures: %v, want %v", errs, errDown)
	}
}

// Frameworks write the answer to an error after the middleware has returned,
// through the writer that it gave them.
func TestCommit7WritesAfterReturn(t *testing.T) {
	late := map[string]func(w http.ResponseWriter){
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) },
		"Write":       func(w http.ResponseWriter) { _, _ = io.WriteString(w, "late") },
		"Flush":       func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"Copy":        func(w http.ResponseWriter) { _, _ = io.Copy(w, http.NoBody) },
		"all": func(w http.ResponseWriter) {
			http.Error(w, "late", http.StatusTeapot)
			_ = http.NewResponseController(w).Flush()
		},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		var kept http.ResponseWriter
		var name string
		st := newJournalStore()
		wrapped := newManager(t, st).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			kept = w
		}))
		s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wrapped.ServeHTTP(w, r)
			late[name](kept)
		}))
		s.client.Jar = nil
		for name = range late {
			got := s.get("/")
			if !sets(got.Header, "__Host-session") {
				t.Errorf("%s: header: %v, want one cookie", name, got.Header)
			}
			if want := http.StatusTeapot; (name == "all" || name == "WriteHeader") && got.StatusCode != want {
				t.Errorf("%s: status %d, want %d", name, got.StatusCode, want)
			}
			if got := st.ops(); got != "create" {
				t.Errorf("%s: the store was asked for %q, want create", name, got)
			}
		}
	})
}

// The ErrorHandler has answered: what comes later changes nothing of that.
func TestCommit7WritesAfterAFailure(t *testing.T) {
	st := newJournalStore()
	st.fail("create")
	var kept http.ResponseWriter
	w := httptest.NewRecorder()
	newManager(t, st).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		increment(w, r)
		kept = w
	})).ServeHTTP(w, newBrowser(t, nil).request("/"))
	http.Error(kept, "late", http.StatusTeapot)
	if got := w.Body.String(); w.Code != http.StatusServiceUnavailable || got != "Service Unavailable\n" {
		t.Errorf("answer: %d %q", w.Code, got)
	}
}
