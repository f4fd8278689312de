package session_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// looksLate sends a request that arrives now, lets other requests do something
// after the given time, and looks at its session only after a further time.
func (g *harness) looksLate(before time.Duration, others func(), after time.Duration, use func(*session.Session[state])) *http.Response {
	return g.do(g.m, func(_ http.ResponseWriter, r *http.Request) {
		time.Sleep(before)
		others()
		time.Sleep(after)
		use(from(r))
	})
}

// TestRequestThatLooksLate: a request was under way when its session ended if it
// had arrived by then, however late it looks at the session. It never overwrites
// the cookie that the logout or the login has set.
func TestRequestThatLooksLate(t *testing.T) {
	others := map[string]struct {
		do   func(tab *harness)
		user string // of the browser afterwards
	}{
		"a logout": {func(tab *harness) { tab.use((*session.Session[state]).Destroy) }, ""},
		"a login":  {func(tab *harness) { tab.update(setUser("bob")) }, "bob"},
		"a login that begins a session of its own": {func(tab *harness) {
			tab.use(func(s *session.Session[state]) { s.Destroy(); s.Update(setUser("bob")) })
		}, "bob"},
		"a logout and a login": {func(tab *harness) {
			tab.use((*session.Session[state]).Destroy)
			tab.update(setUser("bob"))
		}, "bob"},
		"two logins": {func(tab *harness) { tab.update(setUser("carol")); tab.update(setUser("bob")) }, "bob"},
	}
	uses := map[string]struct {
		do     func(*session.Session[state])
		answer string
	}{
		"reads":                           {func(s *session.Session[state]) { _ = s.State() }, ""},
		"changes the state":               {func(s *session.Session[state]) { s.Update(note("late")) }, "refused"},
		"renews":                          {(*session.Session[state]).Renew, ""},
		"confirms the password":           {func(s *session.Session[state]) { s.Login(nil) }, ""},
		"wants to be persistent":          {func(s *session.Session[state]) { s.SetPersistent(true) }, ""},
		"logs out":                        {(*session.Session[state]).Destroy, ""},
		"logs in as another user":         {func(s *session.Session[state]) { s.Update(setUser("dave")) }, "set"},
		"changes it in a transaction":     {transactNote, "refused"},
		"changes it and wants to be kept": {func(s *session.Session[state]) { s.SetPersistent(true); s.Update(note("late")) }, "refused"},
	}
	for otherName, other := range others {
		for _, after := range []time.Duration{0, graceOfRenewal + time.Second, store.TombstoneLife + time.Minute} {
			for useName, use := range uses {
				t.Run(otherName+", and "+after.String()+" later it "+useName, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g := newHarness(t)
						g.update(setUser("alice"))
						late := g.anotherTab()
						response := late.looksLate(time.Millisecond, func() { other.do(g) }, after, use.do)
						if got := answerOf(response); got != use.answer {
							t.Errorf("status %d, answer %q, want %q", response.StatusCode, got, use.answer)
						}
						if got := g.state(); got.User != other.user || got.Note != "" {
							t.Errorf("the browser's session is %+v, want %q's", got, other.user)
						}
					})
				})
			}
		}
	}
}

// transactNote changes the state in a transaction, and lets the commit answer if
// that has failed.
func transactNote(s *session.Session[state]) {
	change := note("late")
	if err := s.Transact(context.Background(), func(st *state) error { change(st); return nil }); err != nil {
		s.Update(change)
	}
}

// TestArrivalInTheMillisecondOfALogout: a request that arrives in the millisecond
// in which its session is deleted counts as later, as a client's next request is.
func TestArrivalInTheMillisecondOfALogout(t *testing.T) {
	for before, want := range map[time.Duration]string{0: "set", time.Millisecond: "refused"} {
		synctest.Test(t, func(t *testing.T) {
			g := newHarness(t)
			g.update(setUser("alice"))
			late := g.anotherTab()
			response := late.looksLate(before, func() { g.use((*session.Session[state]).Destroy) }, 0,
				func(s *session.Session[state]) { s.Update(note("late")) })
			if got := answerOf(response); got != want {
				t.Errorf("the logout comes %v after it: answer %q, want %q", before, got, want)
			}
		})
	}
}

// TestChangeWithoutEffectOnANewSession: a change that is lost because the session
// goes on under a new secret is an error, also if it would leave the initial
// state as it is. If the session is gone, so is what the change would have removed.
func TestChangeWithoutEffectOnANewSession(t *testing.T) {
	removals := map[string]func(*session.Session[state]){
		"what was noted": func(s *session.Session[state]) { s.Update(func(st *state) { st.Note = "" }) },
		"everything":     (*session.Session[state]).Clear,
	}
	for name, remove := range removals {
		for other, want := range map[string]string{"renewed": "refused", "destroyed": ""} {
			g := newHarness(t)
			g.update(note("a secret"))
			tab := g.anotherTab()
			response := tab.use(func(s *session.Session[state]) {
				if other == "renewed" {
					g.update(setUser("alice"))
				} else {
					g.use((*session.Session[state]).Destroy)
				}
				remove(s)
			})
			if got := answerOf(response); got != want {
				t.Errorf("removing %s of a session that is %s under it: %q, want %q", name, other, got, want)
			}
		}
	}
}

// TestNoSuccessIsToldOfADroppedChange: the handler's response does not leave if its
// change was dropped, and a read is answered.
func TestNoSuccessIsToldOfADroppedChange(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	tab := g.anotherTab()
	response := tab.do(g.m, func(w http.ResponseWriter, r *http.Request) {
		s := from(r)
		g.use((*session.Session[state]).Destroy)
		s.Update(count)
		_, _ = w.Write([]byte("1 in the cart"))
	})
	if diff := cmp.Diff("Conflict\n", body(t, response)); diff != "" || response.StatusCode != http.StatusConflict {
		t.Errorf("status %d, body (-want +got):\n%s", response.StatusCode, diff)
	}
}

// A logout that was sent twice is no failure: the message that the second one
// leaves is dropped, and so is no cookie of the first overwritten.
func TestLogoutSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t)
		g.update(setUser("alice"))
		logout := func(s *session.Session[state]) {
			s.Destroy()
			s.Update(note("You have signed out."))
		}
		second := g.anotherTab()
		response := second.do(g.m, func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second) // the first one is served before this one looks
			g.use(logout)
			logout(from(r))
		})
		if response.StatusCode != http.StatusOK || cookieChange(response) != "" {
			t.Errorf("the second: status %d, cookie %q", response.StatusCode, cookieChange(response))
		}
		if got := g.state().Note; got != "You have signed out." {
			t.Errorf("note %q", got)
		}
	})
}
