package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// open opens the browser's session without a request.
func (g *harness) open(t testing.TB) *session.Session[state] {
	t.Helper()
	s, err := g.m.LoadToken(t.Context(), g.token())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpen(t *testing.T) {
	tests := []struct {
		name string
		use  func(*session.Session[state]) error
		want error
		left state
	}{
		{"a read", func(s *session.Session[state]) error { return nil }, nil, state{User: "alice"}},
		{"a change that is saved", func(s *session.Session[state]) error {
			s.Update(count)
			return s.Save(t.Context())
		}, nil, state{User: "alice", Count: 1}},
		{"a change that is not", func(s *session.Session[state]) error { s.Update(count); return nil }, nil, state{User: "alice"}},
		{"a transaction", func(s *session.Session[state]) error {
			return s.Transact(t.Context(), func(st *state) error { st.Count++; return nil })
		}, nil, state{User: "alice", Count: 1}},
		{"several of them", func(s *session.Session[state]) error {
			s.Update(count)
			err := s.Transact(t.Context(), func(st *state) error { st.Count *= 10; return nil })
			s.Update(count)
			return errors.Join(err, s.Save(t.Context()))
		}, nil, state{User: "alice", Count: 11}},
		{"a renewal", func(s *session.Session[state]) error {
			s.Renew()
			return s.Save(t.Context())
		}, session.ErrCommitted, state{User: "alice"}},
		{"a change of user", func(s *session.Session[state]) error {
			s.Update(setUser("bob"))
			return s.Save(t.Context())
		}, session.ErrCommitted, state{User: "alice"}},
		{"a change of user in a transaction", func(s *session.Session[state]) error {
			return s.Transact(t.Context(), func(st *state) error { st.User = "bob"; return nil })
		}, session.ErrCommitted, state{User: "alice"}},
		{"persistence", func(s *session.Session[state]) error {
			s.SetPersistent(true)
			return s.Save(t.Context())
		}, session.ErrCommitted, state{User: "alice"}},
		{"its end", func(s *session.Session[state]) error {
			s.Destroy()
			return s.Save(t.Context())
		}, nil, state{}},
		{"its end and a new one", func(s *session.Session[state]) error {
			s.Destroy()
			s.Update(count)
			return s.Save(t.Context())
		}, session.ErrCommitted, state{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t)
			g.update(setUser("alice"))
			id := g.id()
			s := g.open(t)
			g.log.want(t, "loaded")
			if s.ID() != id || s.IsNew() || s.Err() != nil || s.State().User != "alice" {
				t.Errorf("ID %v, new %v, %v, %+v", s.ID(), s.IsNew(), s.Err(), s.State())
			}
			if err := test.use(s); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if diff := cmp.Diff(test.left, g.state()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// The change of a concurrent request is kept.
func TestOpenedSessionMeetsARequest(t *testing.T) {
	g := newHarness(t)
	g.update(note("0"))
	s := g.open(t)
	s.Update(note("job"))
	g.anotherTab().update(note("1"))
	if err := s.Save(t.Context()); err != nil {
		t.Error(err)
	}
	if got := g.state().Note; got != "01job" || s.State().Note != got {
		t.Errorf("stored %q, in hand %q, want 01job", got, s.State().Note)
	}
	g.use((*session.Session[state]).Destroy)
	s.Update(note("late"))
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Save of a session that has ended: %v, want ErrNotFound", err)
	}
}

func TestOpenWhatLeadsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t)
		g.update(setUser("alice"))
		expired := g.token()
		time.Sleep(time.Hour)
		g.update(setUser("alice"))
		superseded := g.token()
		g.update(setUser("bob"))
		live := g.anotherTab()
		g.use((*session.Session[state]).Destroy)
		for name, token := range map[string]string{
			"nothing": "", "garbage": "garbage", "expired": expired,
			"superseded": superseded, "destroyed": live.token(),
		} {
			if s, err := g.m.LoadToken(t.Context(), token); !errors.Is(err, session.ErrNotFound) || s != nil {
				t.Errorf("%s: %v, %v, want ErrNotFound", name, s, err)
			}
		}
		g.down(true)
		if _, err := g.m.LoadToken(t.Context(), live.token()); !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNotFound) {
			t.Errorf("without the store: %v, want ErrUnavailable", err)
		}
	})
}

// What is not HTTP may bring line breaks, which the base64 decoder skips.
func TestTokensHaveOneSpelling(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	token := g.token()
	for i := range len(token) + 1 {
		for _, inserted := range []string{"\n", "\r", "\r\n", "\n\n\n\n", " ", "="} {
			other := token[:i] + inserted + token[i:]
			if _, err := g.m.LoadToken(t.Context(), other); !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("%q inserted at %d: %v, want ErrNotFound", inserted, i, err)
			}
		}
	}
	if _, err := g.m.LoadToken(t.Context(), token); err != nil {
		t.Errorf("the token itself: %v", err)
	}
}

// Sealing a token again is for those who can be handed a new one.
func TestOpenByATokenUnderAnOlderKey(t *testing.T) {
	older := session.NewKey()
	g := newHarness(t, func(c *session.Config[state]) { c.Keys = []session.Key{older} })
	g.update(count)
	newer := newManager(t, g.store, func(c *session.Config[state]) { c.Keys = []session.Key{session.NewKey(), older} })
	s, err := newer.LoadToken(t.Context(), g.token())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Errorf("a save of nothing: %v", err)
	}
	s.Update(count)
	if err := s.Save(t.Context()); err != nil {
		t.Errorf("a save: %v", err)
	}
	if got := g.state().Count; got != 2 {
		t.Errorf("count %d, want 2", got)
	}
}

// An opened session counts as used: saving it extends it, be it with a change or
// without one.
func TestOpenedSessionIsExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t)
		g.update(count)
		for range 3 {
			time.Sleep(time.Hour - tick)
			if err := g.open(t).Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		kept := g.open(t)
		for range 3 {
			time.Sleep(time.Hour - tick)
			if err := kept.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour - tick)
		g.open(t)
		time.Sleep(tick)
		if _, err := g.m.LoadToken(t.Context(), g.token()); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("an hour after its last use: %v", err)
		}
	})
}

// What cannot be extended for want of a cookie is no error of what was asked.
func TestOpenClientHeldIsNotExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recordingObserver{}
		m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Observer = log.observe })
		b := newBrowser(t, nil)
		b.do(m, login)
		log.kinds()
		time.Sleep(50 * time.Minute)
		s, err := m.LoadToken(t.Context(), b.token())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("Save: %v", err)
		}
		log.want(t, "loaded")
	})
}

func TestOpenClientHeld(t *testing.T) {
	m, b := newManager(t, cookie.New()), newBrowser(t, nil)
	b.do(m, login)
	s, err := m.LoadToken(t.Context(), b.token())
	if err != nil || s.State().User != "alice" {
		t.Fatalf("%+v, %v", s, err)
	}
	// Whatever changes it needs a new cookie.
	s.Update(count)
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("Save: %v, want ErrCommitted", err)
	}
	s.Destroy()
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("Save after Destroy: %v, want ErrCommitted", err)
	}
}
