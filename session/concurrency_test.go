package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// serve serves a handler on a free port until the test ends, and returns a
// function that asks it for a path with the browser's cookies.
func serve(t *testing.T, b *browser, handler http.Handler) func(path string) (*http.Response, error) {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cookies := b.request("/").Header.Get("Cookie")
	return func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Cookie", cookies)
		response, err := server.Client().Do(r)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return nil, err
		}
		if response.StatusCode >= http.StatusInternalServerError {
			return nil, fmt.Errorf("status %s", response.Status)
		}
		return response, nil
	}
}

// parallel runs fn n times at once and fails the test where one fails.
func parallel(t *testing.T, n int, fn func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			if err := fn(i); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
}

func TestParallelIncrementsAreAllKept(t *testing.T) {
	const requests = 200
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	b.do(m, login)
	ask := serve(t, b, m.Wrap(http.HandlerFunc(increment)))
	parallel(t, requests, func(int) error {
		_, err := ask("/")
		return err
	})
	if got := b.read(m).Count; got != requests {
		t.Errorf("after %d parallel increments the counter is %d", requests, got)
	}
}

func TestParallelWritersOfDistinctKeysLoseNone(t *testing.T) {
	const requests = 100
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	b.do(m, login)
	ask := serve(t, b, m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *state) {
			if s.Items == nil {
				s.Items = map[string]int{}
			}
			s.Items[r.URL.Path]++
		})
	})))
	parallel(t, requests, func(i int) error {
		_, err := ask("/" + strconv.Itoa(i))
		return err
	})
	want := map[string]int{}
	for i := range requests {
		want["/"+strconv.Itoa(i)] = 1
	}
	if diff := cmp.Diff(want, b.read(m).Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestCouponIsRedeemedOnce(t *testing.T) {
	errUsed := errors.New("used")
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Update(note("coupon")) })
	var redeemed, refused atomic.Int64
	ask := serve(t, b, m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		err := from(r).Transact(r.Context(), func(s *state) error {
			if s.Note != "coupon" {
				return errUsed
			}
			s.Note = ""
			s.Count++
			return nil
		})
		switch {
		case err == nil:
			redeemed.Add(1)
		case errors.Is(err, errUsed):
			refused.Add(1)
		}
	})))
	parallel(t, 50, func(int) error {
		_, err := ask("/")
		return err
	})
	if redeemed.Load() != 1 || refused.Load() != 49 || b.read(m).Count != 1 {
		t.Errorf("redeemed %d times, refused %d times, counted %d", redeemed.Load(), refused.Load(), b.read(m).Count)
	}
}

// TestGoroutinesOfOneRequest uses everything that a Session can do from many
// goroutines at once: the race detector is the judge of most of it.
func TestGoroutinesOfOneRequest(t *testing.T) {
	const goroutines = 200
	stores := map[string]store.Store{"held by the server": memory.New(), "held by the client": cookie.New()}
	for name, st := range stores {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, st)
			b := newBrowser(t, nil)
			ask := serve(t, b, m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				parallel(t, goroutines, func(i int) error {
					s := from(r) // the first of them loads it
					s.Update(func(st *state) {
						st.Count++
						_, _, _ = s.State(), s.ID(), s.ExpiresAt() // a callback may read the session
					})
					switch i % 10 {
					case 0:
						return s.Save(r.Context())
					case 1:
						s.SetPersistent(true)
					case 2:
						s.Renew()
					}
					_, _, _, _ = s.IsNew(), s.Status(), s.CreatedAt(), s.Err()
					_ = fmt.Sprintf("%v %+v", s, r.Context())
					return nil
				})
			})))
			response, err := ask("/")
			if err != nil {
				t.Fatal(err)
			}
			b.keep(response)
			if got := b.read(m).Count; got != goroutines {
				t.Errorf("after %d increments the counter is %d", goroutines, got)
			}
		})
	}
}

func TestUpdatesAreRepeatedInOrder(t *testing.T) {
	g := newHarness(t)
	g.update(note("0"))
	calls := 0
	g.log.kinds()
	g.use(func(s *session.Session[state]) {
		s.Update(func(st *state) { calls++; st.Note += "a" })
		s.Update(func(st *state) { st.Note += fmt.Sprint("b", st.Count) })
		// Two others get in, one after the other.
		g.store.once("update", func() {
			g.anotherTab().update(func(st *state) { st.Note += "1"; st.Count++ })
			g.store.once("update", func() { g.anotherTab().update(note("2")) })
		})
	})
	if got := g.state(); got.Note != "012ab1" || got.Count != 1 {
		t.Errorf("note %q, count %d, want %q, 1", got.Note, got.Count, "012ab1")
	}
	if calls != 3 {
		t.Errorf("the update was applied %d times, want 3: at once, and after each conflict", calls)
	}
}

// The handler reads what the fresher state gives, once its updates were repeated.
func TestStateAfterAConflict(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.use(func(s *session.Session[state]) {
		s.Update(count)
		g.anotherTab().update(count)
		if got := s.State().Count; got != 2 {
			t.Errorf("before it is saved: count %d, want 2", got)
		}
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		if got := s.State().Count; got != 3 {
			t.Errorf("after it is saved: count %d, want 3", got)
		}
	})
}

func TestEqualBytesCostNoWrite(t *testing.T) {
	g := newHarness(t)
	g.update(func(s *state) { s.Count, s.Items = 1, map[string]int{"a": 1} })
	changes := map[string]func(*session.Session[state]){
		"a read":                    func(s *session.Session[state]) { _ = s.State() },
		"an update without effect":  func(s *session.Session[state]) { s.Update(func(*state) {}) },
		"one that is taken back":    func(s *session.Session[state]) { s.Update(count); s.Update(func(st *state) { st.Count-- }) },
		"the value that it had":     func(s *session.Session[state]) { s.Update(func(st *state) { st.Items["a"] = 1 }) },
		"persistence that it had":   func(s *session.Session[state]) { s.SetPersistent(false) },
		"a save of nothing":         func(s *session.Session[state]) { _ = s.Save(t.Context()) },
		"a change in place":         func(s *session.Session[state]) { s.State().Items["a"] = 2 },
		"a take of what is not set": func(s *session.Session[state]) { session.Take(s, func(st *state) *string { return &st.Note }) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			g.store.calls.Store(0)
			response := g.use(change)
			if got := g.store.calls.Load(); got != 1 || cookieChange(response) != "" {
				t.Errorf("%d calls of the store, cookie %q; want one load", got, cookieChange(response))
			}
			if got := g.state(); got.Count != 1 || got.Items["a"] != 1 {
				t.Errorf("state %+v", got)
			}
		})
	}
}

// A visitor whose state is the initial one in the end costs nothing at all.
func TestNothingToKeepCostsNothing(t *testing.T) {
	changes := map[string]func(*session.Session[state]){
		"a read":                       func(s *session.Session[state]) { _ = s.State() },
		"a change that was taken back": func(s *session.Session[state]) { s.Update(count); s.Clear() },
		"a renewal":                    func(s *session.Session[state]) { s.Renew() },
		"persistence":                  func(s *session.Session[state]) { s.SetPersistent(true) },
		"a logout":                     func(s *session.Session[state]) { s.Destroy() },
		"a save":                       func(s *session.Session[state]) { _ = s.Save(t.Context()) },
		"a transaction": func(s *session.Session[state]) {
			_ = s.Transact(t.Context(), func(*state) error { return nil })
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			g := newHarness(t)
			response := g.use(change)
			if got := g.store.calls.Load(); got != 0 || cookieChange(response) != "" || len(g.log.kinds()) != 0 {
				t.Errorf("%d calls of the store, cookie %q", got, cookieChange(response))
			}
		})
	}
}

func TestConflictsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t)
		g.update(count)
		g.log.kinds()
		attempts := 0
		paused, last := false, time.Now()
		var saved error
		response := g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
			s := from(r)
			s.Update(count)
			g.store.before = func(op string, id store.ID) error {
				if op != "update" {
					return nil
				}
				attempts++
				// After a pause, what the attempt has brought is new only now.
				waited := time.Since(last) > 0
				if waited && paused {
					t.Errorf("attempt %d comes after one more pause", attempts)
				}
				paused, last = waited, time.Now()
				rec, err := g.store.Store.Load(context.Background(), id)
				if err != nil {
					t.Error(err)
				}
				rec.Rev += store.Rev(attempts)
				return &store.ConflictError{Current: rec}
			}
			saved = s.Save(r.Context())
			fmt.Fprint(w, "done")
		})
		g.store.before = nil
		if !errors.Is(saved, session.ErrConflict) || errors.Is(saved, session.ErrUnavailable) {
			t.Errorf("Save: %v, want ErrConflict", saved)
		}
		if response.StatusCode != http.StatusServiceUnavailable || body(t, response) == "done" {
			t.Errorf("status %d after a commit that failed", response.StatusCode)
		}
		if attempts < 10 || attempts > 1000 {
			t.Errorf("%d attempts by Save and the commit", attempts)
		}
		if got := g.state().Count; got != 1 {
			t.Errorf("count %d, want 1", got)
		}
	})
}
