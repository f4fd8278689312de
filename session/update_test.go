package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// lossyStore loses the answers of its next writes: the write is made, and the answer
// is an error.
type lossyStore struct {
	store.Store
	lose int
}

var errLost = errors.New("the answer was lost")

func (s *lossyStore) answer(err error) error {
	if s.lose > 0 && err == nil {
		s.lose--
		return errLost
	}
	return err
}

func (s *lossyStore) Create(ctx context.Context, rec store.Record) error {
	return s.answer(s.Store.Create(ctx, rec))
}

func (s *lossyStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	return s.answer(s.Store.Update(ctx, base, rec))
}

func (s *lossyStore) Delete(ctx context.Context, id store.ID) error {
	return s.answer(s.Store.Delete(ctx, id))
}

func TestNoUpdateIsAppliedTwice(t *testing.T) {
	save := func(s *session.Session[state]) error { return s.Save(context.Background()) }
	tests := []struct {
		name string
		lose int
		rest func(*testing.T, *session.Session[state])
		want state
	}{
		{"the commit tries again", 1, func(*testing.T, *session.Session[state]) {}, state{Count: 2}},
		{"the commit has more to save", 1, func(_ *testing.T, s *session.Session[state]) {
			s.Update(note("more"))
		}, state{Count: 2, Note: "more"}},
		{"the commit has to take it back", 1, func(_ *testing.T, s *session.Session[state]) {
			s.Update(func(st *state) { st.Count = 1 }) // as it was loaded
		}, state{Count: 1}},
		{"a save has to take it back", 1, func(t *testing.T, s *session.Session[state]) {
			s.Update(func(st *state) { st.Count = 1 })
			if err := save(s); err != nil {
				t.Error(err)
			}
		}, state{Count: 1}},
		{"a second answer is lost, with more to save", 2, func(t *testing.T, s *session.Session[state]) {
			s.Update(note("more"))
			for range 2 {
				_ = save(s)
			}
		}, state{Count: 2, Note: "more"}},
		{"a transaction follows", 1, func(t *testing.T, s *session.Session[state]) {
			err := s.Transact(t.Context(), func(st *state) error {
				st.Note = fmt.Sprint("saw ", st.Count)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}, state{Count: 2, Note: "saw 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := &lossyStore{Store: newSpyStore()}
			m, b := newManager(t, st), newBrowser(t, nil)
			b.do(m, increment)
			response := b.do(m, func(w http.ResponseWriter, r *http.Request) {
				s := from(r)
				s.Update(count)
				st.lose = test.lose
				if err := save(s); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errLost) {
					t.Errorf("Save: %v, want ErrUnavailable with its cause", err)
				}
				test.rest(t, s)
			})
			if response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
			if diff := cmp.Diff(test.want, b.read(m)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// A renewal whose answer was lost has left a secret that the request knows.
func TestRenewalIsNotItsOwnStranger(t *testing.T) {
	save := func(s *session.Session[state]) error { return s.Save(context.Background()) }
	for name, rest := range map[string]func(*session.Session[state]) error{
		"the commit tries again": func(*session.Session[state]) error { return nil },
		"a save tries again":     save,
		"a transaction follows": func(s *session.Session[state]) error {
			return s.Transact(context.Background(), func(*state) error { return nil })
		},
		"it is renewed once more": func(s *session.Session[state]) error { s.Renew(); return save(s) },
		"it is logged in again":   func(s *session.Session[state]) error { s.Update(setUser("bob")); return save(s) },
	} {
		t.Run(name, func(t *testing.T) {
			st := &lossyStore{Store: newSpyStore()}
			m, b := newManager(t, st), newBrowser(t, nil)
			b.do(m, login)
			before := b.clone()
			b.do(m, func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				id := s.ID()
				s.Update(count)
				s.Renew()
				st.lose = 1
				if err := save(s); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("Save: %v, want ErrUnavailable", err)
				}
				if err := rest(s); err != nil {
					t.Error(err)
				}
				if s.ID() != id || s.IsNew() {
					t.Error("it is another session now")
				}
			})
			if got := b.read(m); got.Count != 1 || got.User == "" {
				t.Errorf("the browser's session is %+v", got)
			}
			if got := before.read(m); got.User != "" {
				t.Errorf("the secret from before opens %+v", got)
			}
		})
	}
}

func TestFullStore(t *testing.T) {
	st := memory.New()
	st.MaxSessions = 1
	m := newManager(t, st)
	b, late := newBrowser(t, nil), newBrowser(t, nil)
	b.do(m, increment)
	response := late.do(m, func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(count)
		if err := from(r).Save(r.Context()); !errors.Is(err, session.ErrFull) || errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save: %v, want ErrFull", err)
		}
	})
	if response.StatusCode < 500 || cookieChange(response) != "" {
		t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
	}
	b.do(m, increment)
	if got := b.read(m).Count; got != 2 {
		t.Errorf("count %d in the session that is there, want 2", got)
	}
}

// The record of a creation whose answer was lost can be opened by no client, and must
// not count as one of the subject's sessions.
func TestLostCreationLeavesNoSession(t *testing.T) {
	st := &lossyIndexedStore{Store: memory.New()}
	m := newManager(t, st, func(c *session.Config[state]) { c.MaxSessionsPerSubject = 2 })
	b, other := newBrowser(t, nil), newBrowser(t, nil)
	other.do(m, login)
	b.do(m, func(w http.ResponseWriter, r *http.Request) {
		login(w, r)
		st.lose = true
		if err := from(r).Save(r.Context()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save: %v, want ErrUnavailable", err)
		}
		st.lose = false
	})
	user := other.read(m).User
	if user == "" || b.read(m).User != user {
		t.Errorf("the users are %q and %q", user, b.read(m).User)
	}
	if got := len(list(t, m, user)); got != 2 {
		t.Errorf("%d sessions, want 2", got)
	}
}

// lossyIndexedStore is a store with an index whose Create loses answers.
type lossyIndexedStore struct {
	*memory.Store
	lose bool
}

func (s *lossyIndexedStore) Create(ctx context.Context, rec store.Record) error {
	err := s.Store.Create(ctx, rec)
	if s.lose && err == nil {
		err = errLost
	}
	return err
}

// If another request has written after a write whose answer was lost, it is unknown
// whether its record includes that write. The write is not made again.
func TestDoubtfulUpdateIsNotMadeAgain(t *testing.T) {
	tests := []struct {
		name string
		rest func(*session.Session[state]) error
	}{
		{"the commit tries again", func(*session.Session[state]) error { return nil }},
		{"a save tries again", func(s *session.Session[state]) error { return s.Save(context.Background()) }},
		{"a transaction follows", func(s *session.Session[state]) error {
			return s.Transact(context.Background(), func(st *state) error { st.Count++; return nil })
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := &lossyStore{Store: newSpyStore()}
			m, b := newManager(t, st), newBrowser(t, nil)
			b.do(m, increment)
			other := b.clone()
			response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				s.Update(count)
				st.lose = 1
				_ = s.Save(r.Context())
				other.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Update(note("other")) })
				if err := test.rest(s); err != nil && !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("error %v, want ErrUnavailable", err)
				}
			})
			if response.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d, want 503", response.StatusCode)
			}
			if diff := cmp.Diff(state{Count: 2, Note: "other"}, b.read(m)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// After a lost answer the client is answered 503. Whether or not the store has made
// the write, trying again succeeds.
func TestLostAnswers(t *testing.T) {
	t.Run("of a creation", func(t *testing.T) {
		st := &lossyStore{Store: newSpyStore(), lose: 1}
		m, b := newManager(t, st), newBrowser(t, nil)
		if response := b.do(m, increment); response.StatusCode != http.StatusServiceUnavailable || cookieChange(response) != "" {
			t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
		}
		b.do(m, increment)
		if got := b.read(m).Count; got != 1 {
			t.Errorf("count %d, want 1: nothing of the first attempt had a cookie", got)
		}
	})
	t.Run("of a creation, tried again by the same request", func(t *testing.T) {
		st := &lossyStore{Store: newSpyStore(), lose: 1}
		m, b := newManager(t, st), newBrowser(t, nil)
		response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			from(r).Update(count)
			_ = from(r).Save(r.Context())
		})
		if got := b.read(m).Count; got != 1 || cookieChange(response) != "set" {
			t.Errorf("count %d, cookie %q", got, cookieChange(response))
		}
	})
	t.Run("of a login", func(t *testing.T) {
		st := &lossyStore{Store: newSpyStore()}
		m, b := newManager(t, st), newBrowser(t, nil)
		b.do(m, increment)
		st.lose = 1
		if response := b.do(m, login); response.StatusCode != http.StatusServiceUnavailable || cookieChange(response) != "" {
			t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
		}
		// The old secret is superseded, and no client has the new one.
		if response := b.do(m, login); cookieChange(response) != "set" {
			t.Errorf("the login was repeated: cookie %q", cookieChange(response))
		}
		if got := b.read(m); got.User != "alice" || got.Count != 1 {
			t.Errorf("state %+v, want alice's, with what was there", got)
		}
	})
	t.Run("of a logout", func(t *testing.T) {
		st := &lossyStore{Store: newSpyStore()}
		m, b := newManager(t, st), newBrowser(t, nil)
		b.do(m, login)
		st.lose = 1
		logout := func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }
		if response := b.do(m, logout); response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %d", response.StatusCode)
		}
		if response := b.do(m, logout); cookieChange(response) != "expired" {
			t.Errorf("the logout was repeated: cookie %q", cookieChange(response))
		}
	})
}

func TestSaveThenMoreChanges(t *testing.T) {
	g := newHarness(t)
	response := g.use(func(s *session.Session[state]) {
		s.Update(count)
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		s.Update(count)
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		s.Update(count)
	})
	g.log.want(t, "created", "saved", "saved")
	if got := g.state().Count; got != 3 || cookieChange(response) != "set" {
		t.Errorf("count %d, cookie %q", got, cookieChange(response))
	}
}

// After a save the response carries the new secret whatever happens next: the
// old one is dead.
func TestSaveThenAFailingCommit(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	response := g.use(func(s *session.Session[state]) {
		s.Update(setUser("alice"))
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		s.Update(count)
		g.store.before = func(string, store.ID) error { return errors.New("out of reach") }
	})
	g.store.before = nil
	if response.StatusCode != http.StatusServiceUnavailable || cookieChange(response) != "set" {
		t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
	}
	if got := g.state(); got.User != "alice" || got.Count != 1 {
		t.Errorf("state %+v, want what was saved", got)
	}
}

func takeNote(s *session.Session[state]) string {
	return session.Take(s, func(st *state) *string { return &st.Note })
}

func TestTake(t *testing.T) {
	t.Run("gives a value once", func(t *testing.T) {
		g := newHarness(t)
		g.update(note("flash"))
		var taken []string
		for range 2 {
			g.use(func(s *session.Session[state]) { taken = append(taken, takeNote(s), takeNote(s)) })
		}
		if diff := cmp.Diff([]string{"flash", "", "", ""}, taken); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
	})
	t.Run("raced by another change", func(t *testing.T) {
		g := newHarness(t)
		g.update(note("flash"))
		g.use(func(s *session.Session[state]) {
			if got := takeNote(s); got != "flash" {
				t.Errorf("took %q", got)
			}
			g.anotherTab().update(count)
		})
		if got := g.state(); got.Note != "" || got.Count != 1 {
			t.Errorf("state %+v, want the note taken", got)
		}
	})
	t.Run("raced by another take", func(t *testing.T) {
		g := newHarness(t)
		g.update(note("flash"))
		g.use(func(s *session.Session[state]) {
			takeNote(s)
			g.anotherTab().use(func(s *session.Session[state]) { takeNote(s) })
		})
		if got := g.state().Note; got != "" {
			t.Errorf("note %q, want it taken", got)
		}
	})
	t.Run("leaves what it has not read", func(t *testing.T) {
		g := newHarness(t)
		g.update(note("first"))
		g.use(func(s *session.Session[state]) {
			takeNote(s)
			g.anotherTab().update(func(st *state) { st.Note = "second" })
		})
		if got := g.state().Note; got != "second" {
			t.Errorf("note %q, want the second, which was not taken yet", got)
		}
	})
}

// An update that is repeated after a conflict is a callback as any other.
func TestRepeatedUpdateThatChangesTheSessionPanics(t *testing.T) {
	g := newHarness(t)
	g.update(func(s *state) { s.Count = 3 })
	value, returned := unwind(func() {
		g.use(func(s *session.Session[state]) {
			calls := 0
			s.Update(func(st *state) {
				st.Count += 10
				if calls++; calls > 1 {
					s.Destroy()
				}
			})
			g.anotherTab().update(count)
		})
	})
	if text := fmt.Sprint(value); returned || !strings.Contains(text, "inside Update or Transact") {
		t.Errorf("the commit panicked with %q (returned: %v)", text, returned)
	}
	if got := g.state().Count; got != 4 {
		t.Errorf("count %d, want 4", got)
	}
}

// A panic in an update that is repeated is the application's. A middleware that
// recovers it may answer, and nothing is saved, now or under another ID.
func TestRepeatedUpdateThatPanics(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	panicking := func(s *state) {
		if s.Count > 0 {
			panic("repeated")
		}
		s.Note = "changed"
	}
	recovering := func(fn func()) (p any) {
		defer func() { p = recover() }()
		fn()
		return nil
	}
	g.log.kinds()
	response := g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
		s := from(r)
		s.Update(panicking)
		g.anotherTab().update(count)
		g.log.kinds()
		if p := recovering(func() { _ = s.Save(r.Context()) }); p != "repeated" {
			t.Errorf("Save: recovered %v", p)
		}
		if p := recovering(func() { w.WriteHeader(http.StatusOK) }); p != "repeated" {
			t.Errorf("WriteHeader: recovered %v", p)
		}
		http.Error(w, "sorry", http.StatusTeapot)
	})
	if response.StatusCode != http.StatusTeapot || cookieChange(response) != "" {
		t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
	}
	g.log.want(t, "conflict", "conflict")
	if diff := cmp.Diff(state{User: "alice", Count: 1}, g.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// An update that panics at once has changed nothing.
func TestUpdateThatPanics(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.update(func(s *state) { s.Items = map[string]int{"a": 1} })
	want := state{Count: 1, Items: map[string]int{"a": 1}}
	g.use(func(s *session.Session[state]) {
		func() {
			defer func() {
				if p := recover(); p != "no" {
					t.Errorf("recovered %v", p)
				}
			}()
			s.Update(func(st *state) {
				st.Count = 7
				st.Items["half"] = 1
				panic("no")
			})
		}()
		if diff := cmp.Diff(want, s.State()); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		s.Update(note("more"))
	})
	want.Note = "more"
	if diff := cmp.Diff(want, g.state()); diff != "" {
		t.Errorf("state in the end (-want +got):\n%s", diff)
	}
}

// A change that was dropped is not saved with the next change.
func TestDroppedChangeStaysDropped(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begun")
		s := from(r)
		s.Update(setUser("bob"))
		if err := s.Save(r.Context()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Save: %v, want ErrCommitted", err)
		}
		if got := s.State().User; got != "alice" {
			t.Errorf("user %q, want what is stored", got)
		}
		s.Update(count)
		if err := s.Save(r.Context()); err != nil {
			t.Errorf("Save of another change: %v", err)
		}
	})
	if diff := cmp.Diff(state{User: "alice", Count: 1}, g.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}
