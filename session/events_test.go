package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// story returns all that the events since the last call say, with letters for the
// IDs in the order in which they come.
func (e *recordingObserver) story() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	letters := map[session.ID]string{{}: "-"}
	lines := []string{}
	for _, event := range e.list {
		if _, ok := letters[event.ID]; !ok {
			letters[event.ID] = string(rune('A' + len(letters) - 1))
		}
		line := fmt.Sprintf("%v %s", event.Kind, letters[event.ID])
		if event.Subject != "" {
			line += " of " + event.Subject
		}
		if event.Reason != "" {
			line += " " + string(event.Reason)
		}
		for _, err := range []error{session.ErrNotFound, session.ErrCommitted, session.ErrConflict, session.ErrUnavailable, session.ErrTooLarge} {
			if errors.Is(event.Err, err) {
				line += " (" + err.Error() + ")"
			}
		}
		lines = append(lines, line)
	}
	e.list = nil
	return lines
}

func TestEvents(t *testing.T) {
	renew, destroy := (*session.Session[state]).Renew, (*session.Session[state]).Destroy
	const notFound, committed, unavailable = " (session not found)", " (response already committed)", " (session store unavailable)"
	tests := []struct {
		name string
		run  func(*harness) // of a browser with alice's session
		want []string
	}{
		{"a new session", func(g *harness) {
			g.cookies = map[string]string{}
			g.update(count)
		}, []string{"created A"}},
		{"a new session with a login", func(g *harness) {
			g.cookies = map[string]string{}
			g.update(setUser("bob"))
		}, []string{"created A of bob"}},
		{"a read", func(g *harness) { g.use(func(*session.Session[state]) {}) }, []string{"loaded A of alice"}},
		{"a change", func(g *harness) { g.update(count) }, []string{"loaded A of alice", "saved A of alice"}},
		{"a change of persistence", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.SetPersistent(true) })
		}, []string{"loaded A of alice", "saved A of alice"}},
		{"a use after a while", func(g *harness) {
			time.Sleep(30 * time.Minute)
			g.use(func(*session.Session[state]) {})
		}, []string{"loaded A of alice", "extended A of alice"}},
		{"a renewal", func(g *harness) { g.use(renew) }, []string{"loaded A of alice", "renewed A of alice"}},
		{"a change of user", func(g *harness) { g.update(setUser("bob")) }, []string{"loaded A of alice", "renewed A of bob"}},
		{"a logout by Update", func(g *harness) { g.update(setUser("")) }, []string{"loaded A of alice", "renewed A"}},
		{"a logout by Destroy", func(g *harness) { g.use(destroy) }, []string{"loaded A of alice", "destroyed A of alice"}},
		{"a logout and a message", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Destroy(); s.Update(count) })
		}, []string{"loaded A of alice", "destroyed A of alice", "created B"}},
		{"a conflict", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Update(count); g.anotherTab().update(count) })
		}, []string{"loaded A of alice", "loaded A of alice", "saved A of alice", "conflict A of alice", "saved A of alice"}},
		{"a conflict with a logout", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Update(count); g.anotherTab().use(destroy) })
		}, []string{"loaded A of alice", "loaded A of alice", "destroyed A of alice", "rejected A of alice unknown", "failed A of alice" + notFound}},
		{"a conflict with a change of user", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Update(count); g.anotherTab().update(setUser("bob")) })
		}, []string{"loaded A of alice", "loaded A of alice", "renewed A of bob", "conflict A of alice", "superseded A of bob", "failed A of alice" + notFound}},
		{"two logins at once", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Update(setUser("bob")); g.anotherTab().update(setUser("bob")) })
		}, []string{"loaded A of alice", "loaded A of alice", "renewed A of bob", "conflict A of alice", "superseded A of bob", "renewed A of bob"}},
		{"a superseded token", func(g *harness) {
			old := g.anotherTab()
			g.use(renew)
			g.log.story()
			old.use(func(*session.Session[state]) {})
		}, []string{"superseded A of alice"}},
		{"a token long superseded", func(g *harness) {
			old := g.anotherTab()
			g.use(renew)
			g.log.story()
			time.Sleep(time.Minute)
			old.use(func(*session.Session[state]) {})
		}, []string{"rejected A unknown"}},
		{"an expired token", func(g *harness) {
			time.Sleep(time.Hour)
			g.use(func(*session.Session[state]) {})
		}, []string{"rejected A unknown"}},
		{"a forged token", func(g *harness) {
			g.cookies["__Host-session"] = g.token()[1:] + "A"
			g.use(func(*session.Session[state]) {})
		}, []string{"rejected - unauthentic"}},
		{"an undecodable record", func(g *harness) {
			g.tamper(g.t, payloadOf(1))
			g.log.story()
			g.use(func(*session.Session[state]) {})
		}, []string{"rejected A undecodable"}},
		{"a load that fails", func(g *harness) {
			g.down(true)
			g.use(func(*session.Session[state]) {})
		}, []string{"failed A" + unavailable}},
		{"a save that fails", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Update(count); g.down(true) })
		}, []string{"loaded A of alice", "failed A of alice" + unavailable}},
		{"a creation that fails", func(g *harness) {
			g.cookies = map[string]string{}
			g.down(true)
			g.update(setUser("bob"))
		}, []string{"failed A" + unavailable}},
		{"a logout that fails", func(g *harness) {
			g.use(func(s *session.Session[state]) { s.Destroy(); g.down(true) })
		}, []string{"loaded A of alice", "failed A of alice" + unavailable}},
		{"a login that is too late", func(g *harness) {
			g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "begun")
				from(r).Update(setUser("bob"))
			})
		}, []string{"loaded A of alice", "failed A of alice" + committed}},
		{"a transaction", func(g *harness) {
			_ = g.transact(func(s *state) error { s.Count++; return nil })
		}, []string{"loaded A of alice", "saved A of alice"}},
		{"a transaction that gives up", func(g *harness) {
			_ = g.transact(func(s *state) error { return errNo })
		}, []string{"loaded A of alice"}},
		{"an opened token", func(g *harness) {
			_, _ = g.m.LoadToken(context.Background(), g.token())
		}, []string{"loaded A of alice"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newHarness(t)
				g.update(setUser("alice"))
				g.log.story()
				test.run(g)
				if diff := cmp.Diff(test.want, g.log.story()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestEventKindString(t *testing.T) {
	seen := map[string]bool{}
	for kind := session.EventCreated; kind <= session.EventFailed; kind++ {
		name := kind.String()
		if name == "unknown" || name == "" || seen[name] {
			t.Errorf("kind %d is %q", kind, name)
		}
		seen[name] = true
	}
	for _, kind := range []session.EventKind{0, session.EventFailed + 1, 255} {
		if kind.String() != "unknown" {
			t.Errorf("kind %d is %q", kind, kind)
		}
	}
}

// An observer is called when no lock is held, so that it may use the session of the
// event, and with the context of the request.
func TestObserverUsesTheSession(t *testing.T) {
	for _, eager := range []bool{false, true} {
		t.Run(fmt.Sprint("eager ", eager), func(t *testing.T) { testObserver(t, eager) })
	}
}

func testObserver(t *testing.T, eager bool) {
	type key struct{}
	var users, values []string
	m := newManager(t, memory.New(), func(c *session.Config[state]) {
		c.EagerLoad = eager
		c.Observer = func(ctx context.Context, e session.Event) {
			s := session.From[state](ctx)
			users = append(users, fmt.Sprintf("%v %q", e.Kind, s.State().User))
			values = append(values, fmt.Sprint(ctx.Value(key{})))
			if e.Kind == session.EventLoaded {
				s.Update(count)
			}
		}
	})
	b := newBrowser(t, nil)
	handler := m.Wrap(http.HandlerFunc(login))
	b.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "value")))
	})
	b.get("/")
	b.get("/")
	if diff := cmp.Diff([]string{`created "alice"`, `loaded "alice"`, `saved "alice"`}, users); diff != "" {
		t.Errorf("what the observer saw (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"value", "value", "value"}, values); diff != "" {
		t.Errorf("what its contexts held (-want +got):\n%s", diff)
	}
	if got := b.read(m).Count; got != 2 {
		t.Errorf("count %d: one for each load", got)
	}
}

// Sessions that a login ends are reported like everything else of its request.
func TestObserverOfTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kinds []string
		m := newManager(t, memory.New(), func(c *session.Config[state]) {
			c.MaxSessionsPerSubject = 1
			c.Observer = func(ctx context.Context, e session.Event) {
				kinds = append(kinds, e.Kind.String())
				if e.Kind == session.EventDestroyed {
					session.From[state](ctx).Update(note("the other one is gone"))
				}
			}
		})
		newBrowser(t, nil).do(m, login)
		time.Sleep(tick) // of two logins in one tick the older is told by its ID
		b := newBrowser(t, nil)
		b.do(m, login)
		if diff := cmp.Diff([]string{"created", "created", "destroyed", "saved"}, kinds); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if got := b.read(m).Note; got != "the other one is gone" {
			t.Errorf("note %q", got)
		}
	})
}

// TestErrorsHaveOnePrefix: what went wrong is said once, with the store's own words.
func TestErrorsHaveOnePrefix(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.store.before = func(string, store.ID) error { return errors.New("rueidis: load: connection refused") }
	response := g.use(func(s *session.Session[state]) {
		if got, want := fmt.Sprint(s.Err()), "session: load: session store unavailable: rueidis: load: connection refused"; got != want {
			t.Errorf("error %q, want %q", got, want)
		}
	})
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", response.StatusCode)
	}
}

// TestDefaultLoggerIsLookedUpLate: an application sets it after it has made a manager.
func TestDefaultLoggerIsLookedUpLate(t *testing.T) {
	m := newManager(t, memory.New(), func(c *session.Config[state]) { c.Logger = nil })
	var out bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	newBrowser(t, nil).do(m, increment)
	if !strings.Contains(out.String(), "created") {
		t.Errorf("the new default logger receives %q", out.String())
	}
}
