package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// sentAtOnce sends a request n times with the same cookies. All load their session
// before the first saves, and then save one after the other. It returns the
// responses in that order.
func sentAtOnce(b *browser, m *session.Manager[state], n int, do func(*session.Session[state])) []*http.Response {
	responses := make([]*http.Response, n)
	var send func(i int)
	tabs := make([]*browser, n)
	for i := range tabs {
		tabs[i] = b.clone()
	}
	send = func(i int) {
		responses[i] = tabs[i].do(m, func(_ http.ResponseWriter, r *http.Request) {
			s := from(r)
			if i > 0 {
				send(i - 1)
			}
			do(s)
		})
	}
	send(n - 1)
	for _, response := range responses { // as they arrive
		b.keep(response)
	}
	return responses
}

// TestFormSentTwice: a form that logs in or confirms a password is sent several times
// at once, as by a double click. Whichever response the browser takes last, the
// visitor is signed in and has the cart.
func TestFormSentTwice(t *testing.T) {
	transact := func(s *session.Session[state]) {
		_ = s.Transact(context.Background(), func(st *state) error { st.User = "alice"; return nil })
	}
	anonymous := func(b *browser, m *session.Manager[state]) { b.do(m, noting("a mug")) }
	signedIn := func(b *browser, m *session.Manager[state]) {
		b.do(m, noting("a mug"))
		b.do(m, login)
	}
	for _, test := range []struct {
		name   string
		before func(*browser, *session.Manager[state])
		do     func(*session.Session[state])
		later  string // what the later responses say
	}{
		{"a login", anonymous, func(s *session.Session[state]) { s.Login(setUser("alice")) }, "set"},
		{"a login by Update", anonymous, func(s *session.Session[state]) { s.Update(setUser("alice")) }, "set"},
		{"a login by Transact", anonymous, transact, "set"},
		{"a login that is saved", anonymous, func(s *session.Session[state]) {
			s.Login(setUser("alice"))
			_ = s.Save(context.Background())
		}, "set"},
		{"a login of the user who is signed in", signedIn, func(s *session.Session[state]) { s.Login(setUser("alice")) }, "set"},
		{"a confirmed password", signedIn, func(s *session.Session[state]) { s.Login(nil) }, ""},
		{"a confirmed password, noted", signedIn, func(s *session.Session[state]) { s.Login(note("")) }, "set"},
		{"a renewal", signedIn, (*session.Session[state]).Renew, ""},
		{"a renewal that notes when", signedIn, func(s *session.Session[state]) {
			s.Renew()
			s.Update(count)
		}, "refused"},
	} {
		for _, limit := range []int{0, 1} {
			for _, n := range []int{2, 3, 5} {
				t.Run(test.name, func(t *testing.T) {
					m := newManager(t, memory.New(), func(c *session.Config[state]) { c.MaxSessionsPerSubject = limit })
					b := newBrowser(t, nil)
					test.before(b, m)
					id := b.id(m)
					responses := sentAtOnce(b, m, n, test.do)
					for i, response := range responses {
						want := "set"
						if i > 0 {
							want = test.later
						}
						if got := answerOf(response); got != want {
							t.Errorf("response %d of %d: %q, want %q", i+1, n, got, want)
						}
					}
					if got := b.read(m); got.User != "alice" || got.Note != "a mug" || b.id(m) != id {
						t.Errorf("%d times, limit %d: state %+v, same session %v", n, limit, got, b.id(m) == id)
					}
					if infos := list(t, m, "alice"); len(infos) != 1 {
						t.Errorf("alice has %d sessions", len(infos))
					}
				})
			}
		}
	}
}

// noting is a handler that appends to the note.
func noting(text string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { from(r).Update(note(text)) }
}

// TestLoginSentAgain: the first login has been answered, and the second one arrives
// with the old cookie. Within the grace period it joins the session.
func TestLoginSentAgain(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration
		user  string
		joins bool
	}{
		{"at once", 0, "alice", true},
		{"a tick before the grace period ends", graceOfRenewal - time.Millisecond, "alice", true},
		{"when the grace period ends", graceOfRenewal, "alice", false},
		{"by another user", 0, "bob", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, b := newManager(t, memory.New()), newBrowser(t, nil)
				b.do(m, noting("a mug"))
				again := b.clone()
				b.do(m, login)
				id := b.id(m)
				time.Sleep(test.after)
				response := again.do(m, loginAs(test.user))
				if cookieChange(response) != "set" {
					t.Errorf("cookie %q", cookieChange(response))
				}
				want := state{User: test.user}
				if test.joins {
					want.Note = "a mug"
				}
				if diff := cmp.Diff(want, again.read(m)); diff != "" || (again.id(m) == id) != test.joins {
					t.Errorf("same session %v, state (-want +got):\n%s", again.id(m) == id, diff)
				}
				if user := b.read(m).User; (user == "") != test.joins {
					t.Errorf("the cookie of the first login opens the session of %q", user)
				}
			})
		})
	}
}

// TestNoSessionIsJoinedWithoutALogin: a secret that was superseded opens nothing by
// itself. A request with it joins the session only if it logs in the same subject.
func TestNoSessionIsJoinedWithoutALogin(t *testing.T) {
	for name, do := range map[string]func(*session.Session[state]){
		"a confirmed password":           func(s *session.Session[state]) { s.Login(nil) },
		"a confirmed password, noted":    func(s *session.Session[state]) { s.Login(note("x")) },
		"another user":                   func(s *session.Session[state]) { s.Login(setUser("mallory")) },
		"another user in a transaction":  func(s *session.Session[state]) { transactUser(s, "mallory") },
		"the user and then another":      func(s *session.Session[state]) { s.Update(setUser("alice")); s.Update(setUser("mallory")) },
		"a change":                       func(s *session.Session[state]) { s.Update(note("x")) },
		"a transaction that looks first": func(s *session.Session[state]) { transactIfUser(s) },
	} {
		t.Run(name, func(t *testing.T) {
			m, victim := newManager(t, memory.New()), newBrowser(t, nil)
			victim.do(m, noting("planted"))
			attacker := victim.clone() // session fixation
			victim.do(m, login)
			attacker.do(m, func(_ http.ResponseWriter, r *http.Request) { do(from(r)) })
			if got := attacker.read(m); got.User == "alice" || got.Note == "planted" {
				t.Errorf("the attacker's session is %+v", got)
			}
			if diff := cmp.Diff(state{User: "alice", Note: "planted"}, victim.read(m)); diff != "" {
				t.Errorf("the victim's session (-want +got):\n%s", diff)
			}
		})
	}
}

func transactUser(s *session.Session[state], user string) {
	_ = s.Transact(context.Background(), func(st *state) error { st.User = user; return nil })
}

func transactIfUser(s *session.Session[state]) {
	_ = s.Transact(context.Background(), func(st *state) error {
		if st.User != "" {
			st.Note = "x"
		}
		return nil
	})
}

// TestJoiningThatIsRefusedShowsNothing: a login that was sent twice is to join the
// session of the first, and is refused. The handler does not see that session's state.
func TestJoiningThatIsRefusedShowsNothing(t *testing.T) {
	m, b := newManager(t, memory.New()), newBrowser(t, nil)
	b.do(m, increment)
	again := b.clone()
	response := again.do(m, func(_ http.ResponseWriter, r *http.Request) {
		s := from(r)
		time.Sleep(2 * time.Millisecond)
		b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			own := from(r)
			if _, err := m.RevokeSubject(r.Context(), "alice", own.ID()); err != nil {
				t.Error(err)
			}
			own.Login(func(st *state) { st.User, st.Note = "alice", "a secret" })
		})
		s.Update(setUser("alice"))
		if err := s.Save(r.Context()); !errors.Is(err, session.ErrRevoked) {
			t.Errorf("Save: %v, want ErrRevoked", err)
		}
		if got := s.State(); got.Note != "" || got.Count != 0 || !s.IsNew() {
			t.Errorf("the handler sees %+v", got)
		}
	})
	if got := again.read(m); cookieChange(response) != "" || got.Note != "" {
		t.Errorf("cookie %q, state %+v", cookieChange(response), got)
	}
}
