package attacks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// endings are the ways in which a token becomes worthless.
var endings = map[string]func(t *testing.T, victim *browser){
	"a logout":           func(t *testing.T, victim *browser) { victim.get(t, "/logout") },
	"a logout by Clear":  func(t *testing.T, victim *browser) { victim.get(t, "/leave") },
	"a renewal":          func(t *testing.T, victim *browser) { victim.get(t, "/renew") },
	"a login once more":  func(t *testing.T, victim *browser) { victim.get(t, "/login?user=other") },
	"a logout and login": func(t *testing.T, victim *browser) { victim.get(t, "/logout"); victim.get(t, "/login?user=victim") },
	"two renewals":       func(t *testing.T, victim *browser) { victim.get(t, "/renew"); victim.get(t, "/renew") },
	"a revocation by ID": func(t *testing.T, victim *browser) { victim.revokeID(t) },
	"one of the subject's": func(t *testing.T, victim *browser) {
		if _, err := victim.manager.RevokeSubject(t.Context(), "victim"); err != nil {
			t.Error(err)
		}
	},
}

// revokeID revokes the browser's session as an administrator would.
func (b *browser) revokeID(t *testing.T) {
	t.Helper()
	s, err := b.manager.LoadToken(t.Context(), b.token())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.manager.Revoke(t.Context(), s.ID()); err != nil {
		t.Error(err)
	}
}

// TestReplay: a thief has copied the cookie, and goes on using it after it has
// become worthless, by many requests at once.
func TestReplay(t *testing.T) {
	holding := map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"redis":  func(t *testing.T) store.Store { _, st := redis(t); return st },
	}
	for name, open := range holding {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, open(t))
			for name, end := range endings {
				victim := s.login(t, "victim")
				victim.get(t, "/note?text=secret")
				thief := victim.steal()
				if got := thief.get(t, "/read").state(t); got.Note != "secret" {
					t.Fatalf("%s: the copy never worked: %+v", name, got)
				}
				end(t, victim)
				paths := slices.Repeat([]string{"/read", "/count", "/note?text=x", "/renew", "/logout"}, 5)
				for i, answer := range s.atOnce(t, cookieName+"="+thief.token(), paths...) {
					if got := answer.state(t); got.User != "" || strings.Contains(got.Note, "secret") {
						t.Errorf("after %s: %s gives the thief %+v", name, paths[i], got)
					}
				}
				if got := victim.get(t, "/read").state(t); got.Count != 0 || strings.Contains(got.Note, "x") {
					t.Errorf("after %s: the thief has changed the victim's session: %+v", name, got)
				}
			}
		})
	}
}

// TestReplayOfClientHeldSessions: what nobody holds, nobody can take away. With
// a Revoker, a logout and a revocation count; a renewal, and a logout that only
// changes the state, leave the older cookies good until they expire.
func TestReplayOfClientHeldSessions(t *testing.T) {
	for _, revoker := range []bool{false, true} {
		s := newSite(t, cookie.New(), func(c *config) {
			if revoker {
				c.Revoker = new(memory.Revoker)
			}
		})
		for name, end := range endings {
			ends := map[string]bool{
				"a logout": true, "a logout and login": true, "a revocation by ID": true, "one of the subject's": true,
			}[name]
			if !revoker && (name == "a revocation by ID" || name == "one of the subject's") {
				continue // errors.ErrUnsupported
			}
			victim := s.login(t, "victim")
			thief := victim.steal()
			end(t, victim)
			got := thief.ask(t, "/read", cookieName+"="+thief.token()).state(t)
			if opens := got.User == "victim"; opens != !(revoker && ends) {
				t.Errorf("Revoker %v, after %s: the copy opens: %v; if this has changed, say so in the documentation",
					revoker, name, opens)
			}
		}
	}
}

// TestRolledBackCookie is the other thing that client-held sessions cannot
// prevent: an older cookie brings back what has been used up since. Decisions
// that must not be made on that are refused.
func TestRolledBackCookie(t *testing.T) {
	s := newSite(t, cookie.New())
	b := s.login(t, "alice")
	earlier := b.steal()
	b.get(t, "/count")
	if got := b.get(t, "/read").state(t); got.Count != 1 {
		t.Fatalf("state %+v", got)
	}
	if got := earlier.get(t, "/read").state(t); got.Count != 0 || got.User != "alice" {
		t.Errorf("state %+v; if this is prevented now, say so in the documentation", got)
	}
}
