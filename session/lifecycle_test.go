package session_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// stage is what the accessors say of a session, but for its ID.
type stage struct {
	IsNew   bool
	Status  session.Status
	Created time.Duration // after the test began; -1: the zero Time
	Expires time.Duration
	SameID  bool // as at the stage before
	User    string
}

func TestStagesOfASession(t *testing.T) {
	stores := map[string]func() store.Store{
		"held by the server": func() store.Store { return memory.New() },
		"held by the client": func() store.Store { return cookie.New() },
	}
	for name, st := range stores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testStages(t, st()) })
		})
	}
}

func testStages(t *testing.T, st store.Store) {
	m, b := newManager(t, st), newBrowser(t, nil)
	start := time.Now()
	since := func(at time.Time) time.Duration {
		if at.IsZero() {
			return -1
		}
		return at.Sub(start)
	}
	var id session.ID
	check := func(name string, s *session.Session[state], want stage) {
		t.Helper()
		got := stage{s.IsNew(), s.Status(), since(s.CreatedAt()), since(s.ExpiresAt()), s.ID() == id, s.State().User}
		id = s.ID()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	save := func(s *session.Session[state]) {
		t.Helper()
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
	}
	const none = time.Duration(-1)
	use := func(fn func(*session.Session[state])) {
		b.do(m, func(_ http.ResponseWriter, r *http.Request) { fn(from(r)) })
	}

	use(func(s *session.Session[state]) {
		id = s.ID()
		check("a visitor", s, stage{true, session.StatusUnchanged, none, none, true, ""})
		s.Update(setUser("alice"))
		check("updated", s, stage{true, session.StatusChanged, none, none, true, "alice"})
		save(s)
		check("stored", s, stage{true, session.StatusChanged, 0, time.Hour, true, "alice"})
	})
	time.Sleep(time.Minute)
	use(func(s *session.Session[state]) {
		check("the next request", s, stage{false, session.StatusUnchanged, 0, time.Hour, true, "alice"})
		s.Update(count)
		check("updated", s, stage{false, session.StatusChanged, 0, time.Hour, true, "alice"})
		save(s)
		check("saved, and by that extended", s, stage{false, session.StatusChanged, 0, time.Hour + time.Minute, true, "alice"})
		s.Renew()
		check("about to be renewed", s, stage{false, session.StatusRenewed, 0, time.Hour + time.Minute, true, "alice"})
		s.Update(count)
		check("and updated", s, stage{false, session.StatusRenewed, 0, time.Hour + time.Minute, true, "alice"})
		save(s)
		check("renewed", s, stage{false, session.StatusRenewed, 0, time.Hour + time.Minute, true, "alice"})
	})
	time.Sleep(time.Minute)
	use(func(s *session.Session[state]) {
		check("once more", s, stage{false, session.StatusUnchanged, 0, time.Hour + time.Minute, true, "alice"})
		s.Destroy()
		check("destroyed", s, stage{true, session.StatusDestroyed, none, none, false, ""})
		save(s)
		check("deleted", s, stage{true, session.StatusDestroyed, none, none, true, ""})
		s.Update(setUser("bob"))
		check("begun again", s, stage{true, session.StatusChanged, none, none, true, "bob"})
		save(s)
		check("stored", s, stage{true, session.StatusChanged, 2 * time.Minute, time.Hour + 2*time.Minute, true, "bob"})
	})
	use(func(s *session.Session[state]) {
		check("the new session", s, stage{false, session.StatusUnchanged, 2 * time.Minute, time.Hour + 2*time.Minute, true, "bob"})
	})
}

func TestStatusString(t *testing.T) {
	for status, want := range map[session.Status]string{
		session.StatusUnchanged: "unchanged", session.StatusChanged: "changed",
		session.StatusRenewed: "renewed", session.StatusDestroyed: "destroyed", 99: "unknown",
	} {
		if got := status.String(); got != want {
			t.Errorf("%d is %q, want %q", status, got, want)
		}
	}
}

func TestDestroy(t *testing.T) {
	destroy := (*session.Session[state]).Destroy
	hello := func(s *session.Session[state]) { s.Update(note("hello")) }
	save := func(s *session.Session[state]) { _ = s.Save(t.Context()) }
	in := func(steps ...func(*session.Session[state])) func(*session.Session[state]) {
		return func(s *session.Session[state]) {
			for _, step := range steps {
				step(s)
			}
		}
	}
	tests := []struct {
		name      string
		use       func(*session.Session[state])
		visitor   string // what it does to the cookie of one who has none
		user      string // of one who has a session
		nobody    string // of one whose session is gone
		remaining string // note
	}{
		{"alone", destroy, "", "expired", "expired", ""},
		{"twice", in(destroy, destroy), "", "expired", "expired", ""},
		{"saved", in(destroy, save), "", "expired", "expired", ""},
		{"after an update", in(hello, destroy), "", "expired", "expired", ""},
		{"after one that was saved", in(hello, save, destroy), "", "expired", "expired", ""},
		{"before an update", in(destroy, hello), "set", "set", "set", "hello"},
		{"between updates", in(hello, destroy, hello), "set", "set", "set", "hello"},
		{"between updates that were saved", in(hello, save, destroy, save, hello, save), "set", "set", "set", "hello"},
		{"after and before it", in(destroy, hello, destroy), "", "expired", "expired", ""},
		{"after and before it, saved", in(destroy, hello, save, destroy), "", "expired", "expired", ""},
		{"after a renewal", in((*session.Session[state]).Renew, destroy), "", "expired", "expired", ""},
		{"after a renewal that was saved", in((*session.Session[state]).Renew, save, destroy), "", "expired", "expired", ""},
		{"and then a clear", in(destroy, (*session.Session[state]).Clear), "", "expired", "expired", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check := func(who string, g *harness, want string) {
				t.Helper()
				held := g.anotherTab()
				old := held.id()
				g.log.kinds()
				var now session.ID
				response := g.use(func(s *session.Session[state]) { test.use(s); now = s.ID() })
				if cookieChange(response) != want {
					t.Errorf("%s: cookie %q, want %q", who, cookieChange(response), want)
				}
				if got := g.state().Note; got != test.remaining {
					t.Errorf("%s: the session's note is %q, want %q", who, got, test.remaining)
				}
				if got := held.state(); got.User != "" || got.Note != "" {
					t.Errorf("%s: the old token still leads to %+v", who, got)
				}
				if old == now {
					t.Errorf("%s: the ID is still the old one", who)
				}
			}
			check("a visitor", newHarness(t), test.visitor)
			g := newHarness(t)
			g.update(setUser("alice"))
			gone := g.anotherTab()
			check("a user", g, test.user)
			check("a user whose session is gone", gone, test.nobody)
		})
	}
}

func TestDestroyExpiresWhatLeadsNowhere(t *testing.T) {
	g := newHarness(t)
	g.cookies["__Host-session"] = "garbage"
	response := g.use((*session.Session[state]).Destroy)
	g.log.want(t, "rejected:unauthentic")
	if cookieChange(response) != "expired" || len(g.cookies) != 0 {
		t.Errorf("cookie %q", cookieChange(response))
	}
}

func TestDestroyThatFails(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	g.log.kinds()
	response := g.use(func(s *session.Session[state]) {
		s.Destroy()
		g.down(true)
		if err := s.Save(t.Context()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save: %v, want ErrUnavailable", err)
		}
	})
	g.log.want(t, "loaded", "failed", "failed")
	g.down(false)
	if response.StatusCode != http.StatusServiceUnavailable || cookieChange(response) != "" {
		t.Errorf("status %d, cookie %q: this must not look like a logout", response.StatusCode, cookieChange(response))
	}
	if got := g.state().User; got != "alice" {
		t.Errorf("user %q", got)
	}
}

func TestClear(t *testing.T) {
	g := newHarness(t, func(c *session.Config[state]) {
		c.Initial = func() state { return state{Items: map[string]int{"welcome": 1}} }
	})
	g.update(func(s *state) { s.Note = "hello"; s.Items["welcome"] = 2 })
	id := g.id()
	response := g.use(func(s *session.Session[state]) {
		s.Update(count)
		s.Clear()
		s.Update(count)
	})
	want := state{Count: 1, Items: map[string]int{"welcome": 1}}
	if diff := cmp.Diff(want, g.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if cookieChange(response) != "" || g.id() != id {
		t.Errorf("cookie %q, same session %v; want the session to go on", cookieChange(response), g.id() == id)
	}
}

func TestInitial(t *testing.T) {
	g := newHarness(t, func(c *session.Config[state]) {
		c.Initial = func() state { return state{Items: map[string]int{"welcome": 1}} }
	})
	g.use(func(s *session.Session[state]) {
		if s.State().Items["welcome"] != 1 {
			t.Errorf("state %+v", s.State())
		}
		s.Update(count)
		s.Update(func(st *state) { st.Count-- })
	})
	if calls := g.store.calls.Load(); calls != 0 {
		t.Errorf("%d calls of the store for the initial state", calls)
	}
	// The zero state is another one here.
	if response := g.update(func(s *state) { *s = state{} }); cookieChange(response) != "set" {
		t.Errorf("cookie %q", cookieChange(response))
	}
}

// Initial is called once, and each new session decodes a state of its own: no
// visitor sees what another one has put into a map of it.
func TestInitialIsNotShared(t *testing.T) {
	calls := 0
	g := newHarness(t, func(c *session.Config[state]) {
		shared := map[string]int{"gift": 1}
		c.Initial = func() state { calls++; return state{Items: shared} }
	})
	for range 3 {
		g.cookies = map[string]string{}
		g.use(func(s *session.Session[state]) {
			if got := s.State().Items; len(got) != 1 {
				t.Errorf("a new visitor finds %v", got)
			}
			s.Update(func(st *state) { st.Items["card"] = 4242 })
			s.Clear()
			s.Update(func(st *state) { st.Items["own"] = 1 })
			if got := s.State().Items; len(got) != 2 {
				t.Errorf("after a clear: %v", got)
			}
		})
	}
	if calls != 1 {
		t.Errorf("Initial was called %d times, want once", calls)
	}
}
