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
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// idle is the idle timeout of the slow requests' sessions, and slowest is how long
// after its load a request finds its session restored: as long as a tombstone is
// sure to last.
const (
	idle    = time.Hour
	slowest = store.TombstoneLife - time.Minute
)

// slowly sends a request that loads its session a tick before that expires, and
// does something at a time after the load.
func slowly(b *browser, m *session.Manager[state], after time.Duration, do func(*session.Session[state])) *http.Response {
	time.Sleep(idle - time.Millisecond)
	return b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		s := from(r)
		time.Sleep(after)
		do(s)
	})
}

// TestSlowRequest: an upload that runs across the end of the idle timeout is use.
// What it does is saved, and the session goes on.
func TestSlowRequest(t *testing.T) {
	for _, test := range []struct {
		name   string
		do     func(*session.Session[state])
		answer string
		want   state
	}{
		{"reads", func(*session.Session[state]) {}, "", state{User: "alice"}},
		{"changes the state", func(s *session.Session[state]) { s.Update(count) }, "", state{User: "alice", Count: 1}},
		{"saves", func(s *session.Session[state]) { s.Update(count); _ = s.Save(context.Background()) }, "", state{User: "alice", Count: 1}},
		{"changes it in a transaction", func(s *session.Session[state]) {
			_ = s.Transact(context.Background(), func(st *state) error { st.Count++; return nil })
		}, "", state{User: "alice", Count: 1}},
		{"confirms the password", func(s *session.Session[state]) { s.Login(nil) }, "set", state{User: "alice"}},
		{"logs in again", func(s *session.Session[state]) { s.Login(setUser("alice")) }, "set", state{User: "alice"}},
		{"logs out", (*session.Session[state]).Destroy, "expired", state{}},
	} {
		for _, after := range []time.Duration{0, time.Millisecond, time.Minute, slowest - time.Millisecond} {
			t.Run(test.name+" after "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, b := newManager(t, memory.New()), newBrowser(t, nil)
					b.do(m, login)
					id := b.id(m)
					response := slowly(b, m, after, test.do)
					if got := answerOf(response); got != test.answer {
						t.Errorf("status %d, answer %q, want %q", response.StatusCode, got, test.answer)
					}
					time.Sleep(idle - time.Millisecond) // extended by the request
					if diff := cmp.Diff(test.want, b.read(m)); diff != "" {
						t.Errorf("state (-want +got):\n%s", diff)
					}
					if test.want.User != "" && b.id(m) != id {
						t.Error("it is another session now")
					}
				})
			})
		}
	}
}

// TestSlowerThanATombstone: when a tombstone could be gone, a session that is not in
// the store any more is not restored.
func TestSlowerThanATombstone(t *testing.T) {
	for after, want := range map[time.Duration]string{slowest - time.Millisecond: "", slowest: "refused"} {
		synctest.Test(t, func(t *testing.T) {
			m, b := newManager(t, memory.New()), newBrowser(t, nil)
			b.do(m, login)
			response := slowly(b, m, after, func(s *session.Session[state]) { s.Update(count) })
			if got := answerOf(response); got != want {
				t.Errorf("after %v: answer %q, want %q", after, got, want)
			}
		})
	}
}

// TestSlowRequestRestoresNothingThatWasEnded: between the load of a slow request and
// its end the session was ended. It does not come back, however long ago that was.
func TestSlowRequestRestoresNothingThatWasEnded(t *testing.T) {
	type scene struct {
		m   *session.Manager[state]
		tab *browser
		id  session.ID
	}
	logout := func(sc scene) { sc.tab.do(sc.m, destroy) }
	ends := map[string]func(scene){
		"by a logout": logout,
		"by its ID":   func(sc scene) { _ = sc.m.Revoke(context.Background(), sc.id) },
		"with its subject": func(sc scene) {
			_, _ = sc.m.RevokeSubject(context.Background(), "alice")
		},
	}
	uses := map[string]struct {
		do     func(*session.Session[state])
		status int
	}{
		"a change":       {func(s *session.Session[state]) { s.Update(count) }, http.StatusConflict},
		"a transaction":  {transactNote, http.StatusConflict},
		"a read":         {func(*session.Session[state]) {}, http.StatusOK},
		"a confirmation": {func(s *session.Session[state]) { s.Login(nil) }, http.StatusOK},
		"a logout":       {func(s *session.Session[state]) { s.Update(setUser("")) }, http.StatusOK},
		"another login":  {func(s *session.Session[state]) { s.Update(setUser("bob")) }, http.StatusOK},
	}
	for name, end := range ends {
		for _, at := range []time.Duration{time.Minute, idle - time.Minute, idle + time.Minute} {
			for _, after := range []time.Duration{2 * time.Minute, idle + 2*time.Minute} {
				if at >= idle-time.Minute && after < idle {
					after = at + time.Minute
				}
				for useName, use := range uses {
					t.Run(name+" at "+at.String()+", "+useName+" at "+after.String(), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							m, b := newManager(t, memory.New(), func(c *session.Config[state]) {
								c.Extend = session.ExtendOnChange // the other tab's look extends nothing
							}), newBrowser(t, nil)
							b.do(m, func(_ http.ResponseWriter, r *http.Request) {
								from(r).Update(func(s *state) { s.User, s.Note = "alice", "alice's" })
							})
							sc := scene{m: m, tab: b.clone(), id: b.id(m)}
							time.Sleep(time.Millisecond)
							response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
								s := from(r)
								time.Sleep(at)
								end(sc)
								time.Sleep(after - at)
								use.do(s)
							})
							refusedLogin := useName == "a confirmation" && response.StatusCode == http.StatusForbidden
							if response.StatusCode != use.status && !refusedLogin {
								t.Errorf("status %d, want %d", response.StatusCode, use.status)
							}
							if got := b.read(m); got.User == "alice" || got.Note != "" {
								t.Errorf("the browser's session is %+v", got)
							}
							if got := sc.tab.read(m); got.User != "" || got.Note != "" {
								t.Errorf("the old cookie opens %+v", got)
							}
							if infos := list(t, m, "alice"); len(infos) != 0 {
								t.Errorf("alice has %d sessions", len(infos))
							}
							if useName == "another login" && b.id(m) == sc.id {
								t.Error("the login goes on with the session that was ended")
							}
						})
					})
				}
			}
		}
	}
}

// TestTwoSlowRequests: two uploads run across the end of the idle timeout at once.
// The one restores the session, and the other goes on with what that has left.
func TestTwoSlowRequests(t *testing.T) {
	tests := []struct {
		name          string
		first, second func(*session.Session[state])
		answer        string // of the second
		want          state
	}{
		{
			"both change it", func(s *session.Session[state]) { s.Update(count) }, func(s *session.Session[state]) { s.Update(count) },
			"",
			state{User: "alice", Count: 2},
		},
		{
			"one changes it after the other has renewed it", func(s *session.Session[state]) { s.Login(nil) },
			func(s *session.Session[state]) { s.Update(count) }, "refused",
			state{User: "alice"},
		},
		{
			"both log in", func(s *session.Session[state]) { s.Login(setUser("alice")) },
			func(s *session.Session[state]) { s.Login(setUser("alice")); s.Update(count) }, "set",
			state{User: "alice", Count: 1},
		},
		{
			"one changes it after the other has logged out", (*session.Session[state]).Destroy,
			func(s *session.Session[state]) { s.Update(count) }, "refused",
			state{},
		},
		{
			"one reads it after the other has changed it", func(s *session.Session[state]) { s.Update(count) },
			func(*session.Session[state]) {}, "",
			state{User: "alice", Count: 1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, b := newManager(t, memory.New()), newBrowser(t, nil)
				b.do(m, login)
				tab := b.clone()
				time.Sleep(idle - time.Millisecond)
				var response *http.Response
				b.do(m, func(_ http.ResponseWriter, r *http.Request) {
					test.first(from(r))
					response = tab.do(m, func(_ http.ResponseWriter, inner *http.Request) {
						s := from(inner)
						time.Sleep(time.Minute)
						test.second(s)
						_ = from(r).Save(r.Context())
					})
				})
				if got := answerOf(response); got != test.answer {
					t.Errorf("status %d, answer %q, want %q", response.StatusCode, got, test.answer)
				}
				last := b
				if test.answer == "set" {
					last = tab
				}
				if diff := cmp.Diff(test.want, last.read(m)); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRestorationWhoseAnswerIsLost is made once, however often it is tried.
func TestRestorationWhoseAnswerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &lossyStore{Store: memory.New()}
		m, b := newManager(t, st), newBrowser(t, nil)
		b.do(m, login)
		response := slowly(b, m, time.Minute, func(s *session.Session[state]) {
			s.Update(count)
			st.lose = 1
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Save: %v, want ErrUnavailable", err)
			}
		})
		if got := b.read(m); response.StatusCode != http.StatusOK || got.Count != 1 || got.User != "alice" {
			t.Errorf("status %d, state %+v", response.StatusCode, got)
		}
	})
}

// TestSlowRequestAcrossTheAbsoluteTimeout: that one is the end.
func TestSlowRequestAcrossTheAbsoluteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, b := newManager(t, memory.New(), func(c *session.Config[state]) { c.AbsoluteTimeout = idle }), newBrowser(t, nil)
		b.do(m, login)
		slowly(b, m, time.Minute, func(s *session.Session[state]) { s.Update(count) })
		if got := b.read(m); got.User != "" {
			t.Errorf("it goes on: %+v", got)
		}
	})
}

// TestSlowRequestOfAClientHeldSession: the client's record is extended by a change.
func TestSlowRequestOfAClientHeldSession(t *testing.T) {
	for name, revoker := range map[string]store.Revoker{"without a Revoker": nil, "with one": new(memory.Revoker)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, b := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Revoker = revoker }), newBrowser(t, nil)
				b.do(m, login)
				slowly(b, m, time.Minute, func(s *session.Session[state]) { s.Update(count) })
				if got := b.read(m); got.User != "alice" || got.Count != 1 {
					t.Errorf("state %+v", got)
				}
				if revoker == nil {
					return
				}
				response := slowly(b, m, time.Minute, func(s *session.Session[state]) {
					if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
						t.Error(err)
					}
					s.Update(count)
				})
				if got := b.read(m); answerOf(response) != "refused" || got.User != "" {
					t.Errorf("revoked under it: answer %q, state %+v", answerOf(response), got)
				}
			})
		})
	}
}

// TestSupersededSecretRestoresNothing: while a slow request runs, its session is renewed
// by a login, or logged out by an update, and that expires too. The slow request, which
// has the old secret and the old state, does not bring it back.
func TestSupersededSecretRestoresNothing(t *testing.T) {
	for name, other := range map[string]func(*session.Session[state]){
		"a login":               func(s *session.Session[state]) { s.Login(setUser("alice")) },
		"a logout by an update": func(s *session.Session[state]) { s.Update(setUser("")) },
	} {
		for _, timeout := range []time.Duration{10 * time.Minute, idle} {
			t.Run(name+", idle timeout "+timeout.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newManager(t, memory.New(), func(c *session.Config[state]) {
						c.IdleTimeout, c.AbsoluteTimeout = timeout, 2*timeout
					})
					b := newBrowser(t, nil)
					b.do(m, increment)
					for range 15 {
						time.Sleep(timeout / 10)
						b.do(m, increment)
					}
					b.do(m, login) // restarts the absolute timeout
					for range 5 {
						time.Sleep(timeout/10 - time.Millisecond)
						b.do(m, increment)
					}
					slow := b.clone()
					slow.do(m, func(_ http.ResponseWriter, r *http.Request) {
						s := from(r)
						b.do(m, func(_ http.ResponseWriter, r *http.Request) { other(from(r)) })
						time.Sleep(timeout)
						s.Update(note("stray"))
					})
					for what, b := range map[string]*browser{"old": slow, "new": b} {
						if got := b.read(m); got.Note != "" || what == "old" && got.User != "" {
							t.Errorf("the %s cookie opens %+v", what, got)
						}
					}
				})
			})
		}
	}
}
