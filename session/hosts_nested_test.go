package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// visit is a second state beside the tests' own.
type visit struct{ Pages int }

func newVisits(t *testing.T, st store.Store) *session.Manager[visit] {
	t.Helper()
	m, err := session.NewManager(st, session.Config[visit]{
		Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[visit], Cookie: session.Cookie{Name: "__Host-visit"}, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNestedManagersOfTwoStates(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for _, order := range []string{"visits inside", "visits outside"} {
			states, visits := newManager(t, newSpyStore()), newVisits(t, newSpyStore())
			wrap := func(h http.Handler) http.Handler { return states.Wrap(visits.Wrap(h)) }
			if order == "visits outside" {
				wrap = func(h http.Handler) http.Handler { return visits.Wrap(states.Wrap(h)) }
			}
			s := serve(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				increment(w, r)
				v := session.From[visit](r.Context())
				v.Update(func(v *visit) { v.Pages += 10 })
				if _, ok := w.(http.Flusher); !ok {
					t.Error("no Flusher through two managers")
				}
				_ = http.NewResponseController(w).Flush()
				increment(w, r)
				v.Update(func(v *visit) { v.Pages += 10 })
				fmt.Fprint(w, from(r).State().Count, v.State().Pages)
			})))
			for _, want := range []string{"2 20", "4 40"} {
				got := s.get("/")
				cookies := len(got.Cookies())
				if got.body != want || cookies != 2 && want == "2 20" || cookies != 0 && want != "2 20" {
					t.Errorf("%s: %q with %q, want %q", order, got.body, setCookies(got.Header), want)
				}
				if vary := got.Header["Vary"]; len(vary) != 1 {
					t.Errorf("%s: Vary: %q, want it once", order, vary)
				}
			}
		}
	})
}

// Whichever of the two fails, nothing of the handler's leaves, and nothing of a
// session that was not stored.
func TestNestedManagersWhereOneFails(t *testing.T) {
	for _, failing := range []string{"outer", "inner"} {
		outerStore, innerStore := newJournalStore(), newJournalStore()
		broken := map[string]*journalStore{"outer": outerStore, "inner": innerStore}[failing]
		broken.fail("create")
		states, visits := newManager(t, outerStore), newVisits(t, innerStore)
		var first, second error
		w := httptest.NewRecorder()
		// A cookie of the inner one's name is there before.
		before := []string{"__Host-visit=stale", "outer=1", "other=2"}
		w.Header()["Set-Cookie"] = before
		states.Wrap(visits.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			session.From[visit](r.Context()).Update(func(v *visit) { v.Pages++ })
			w.Header().Set("X-Handler", "1")
			_, first = fmt.Fprint(w, "text")
			_, second = fmt.Fprint(w, "text")
		}))).ServeHTTP(w, newBrowser(t, nil).request("/"))
		if first == nil || second == nil {
			t.Errorf("%s fails: Write returned %v, %v", failing, first, second)
		}
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "text") || w.Header().Get("X-Handler") != "" {
			t.Errorf("%s fails: %d %q %v", failing, w.Code, w.Body, w.Header())
		}
		want := []string{"__Host-visit", "outer", "other"}
		if failing == "inner" {
			want = append(want, "__Host-session") // which was stored
		}
		if diff := cmp.Diff(want, setCookies(w.Header())); diff != "" {
			t.Errorf("%s fails: cookies (-want +got):\n%s", failing, diff)
		}
		if got := w.Header()["Set-Cookie"][0]; got != "__Host-visit=stale" {
			t.Errorf("%s fails: the cookie from before is %q", failing, got)
		}
	}
}

func TestNestedManagersOfOneState(t *testing.T) {
	named := func(name string) func(*session.Config[state]) {
		return func(cfg *session.Config[state]) { cfg.Cookie.Name = name }
	}
	outer, inner := newManager(t, newSpyStore(), named("__Host-outer")), newManager(t, newSpyStore(), named("__Host-inner"))
	handler := outer.Wrap(inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if from(r) != inner.From(ctx) {
			t.Error("From is not the session of the nearest manager")
		}
		if outer.From(ctx) == inner.From(ctx) {
			t.Error("the managers share a session")
		}
		outer.From(ctx).Update(func(s *state) { s.Count += 1 })
		inner.From(ctx).Update(func(s *state) { s.Count += 10 })
		fmt.Fprint(w, outer.From(ctx).State().Count, inner.From(ctx).State().Count)
	})))
	b := newBrowser(t, handler)
	for i, want := range []string{"1 10", "2 20"} {
		got := b.get("/")
		if text := body(t, got); text != want || i == 0 && !sets(got.Header, "__Host-outer", "__Host-inner") && !sets(got.Header, "__Host-inner", "__Host-outer") {
			t.Errorf("%q with %q, want %q", text, setCookies(got.Header), want)
		}
	}
}

func TestWrapInsideWrapDoesNothing(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		m := newManager(t, st)
		var outermost http.ResponseWriter
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			outermost = w
			whole := from(r)
			m.Wrap(m.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[state]) {
				if w != outermost || s != whole || from(r) != whole {
					t.Error("it has a writer or a session of its own")
				}
				increment(w, r)
			})).ServeHTTP(w, r)
			increment(w, r) // the inner return is none
			if ops := st.ops(); ops != "" {
				t.Errorf("the inner one asked the store for %q", ops)
			}
		})))
		if got := s.get("/"); !sets(got.Header, "__Host-session") {
			t.Errorf("cookies: %q", setCookies(got.Header))
		}
		if n := s.browser().read(m).Count; n != 3 {
			t.Errorf("Count = %d, want 3", n)
		}
	})
}

func TestHandleNeedsNoWrap(t *testing.T) {
	m := newManager(t, newSpyStore())
	b := newBrowser(t, m.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[state]) {
		s.Update(func(s *state) { s.Count++ })
		fmt.Fprint(w, from(r).State().Count)
	}))
	for _, want := range []string{"1", "2"} {
		if got := body(t, b.get("/page")); got != want {
			t.Errorf("Count is %s, want %s", got, want)
		}
	}
}

func TestFromWithoutWrapPanicsClearly(t *testing.T) {
	m, other := newManager(t, newSpyStore()), newManager(t, newSpyStore())
	calls := map[string]func(ctx context.Context){
		"From":         func(ctx context.Context) { session.From[visit](ctx) },
		"Load":         func(ctx context.Context) { _, _ = session.Load[visit](ctx) },
		"Manager.From": func(ctx context.Context) { other.From(ctx) },
	}
	for name, call := range calls {
		for _, wrapped := range []bool{false, true} { // true: by another middleware
			value, _ := unwind(func() {
				if !wrapped {
					call(t.Context())
					return
				}
				newBrowser(t, nil).do(m, func(_ http.ResponseWriter, r *http.Request) { call(r.Context()) })
			})
			text := fmt.Sprint(value)
			want := "session_test.visit"
			if name == "Manager.From" {
				want = "session_test.state"
			}
			if !strings.HasPrefix(text, "session: ") || !strings.Contains(text, want) || !strings.Contains(text, "Wrap") {
				t.Errorf("%s, wrapped=%v: panicked with %q", name, wrapped, text)
			}
		}
	}
}

// A context made from the request's leads to the session, whatever it was made
// for.
func TestFromFindsTheSessionInDerivedContexts(t *testing.T) {
	m := newManager(t, newSpyStore())
	newBrowser(t, nil).do(m, func(_ http.ResponseWriter, r *http.Request) {
		want := from(r)
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), visit{}, 1))
		defer cancel()
		if session.From[state](ctx) != want || session.From[state](context.WithoutCancel(ctx)) != want {
			t.Error("another session")
		}
		if ctx.Value(visit{}) != 1 || r.Context().Value(http.ServerContextKey) != nil {
			t.Error("values of the context")
		}
	})
}
