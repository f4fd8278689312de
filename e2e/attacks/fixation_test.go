package attacks_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/store"
)

// TestFixation: the attacker plants a session in the victim's browser and waits
// for the victim to log in. What the attacker holds must stay a stranger's.
func TestFixation(t *testing.T) {
	eachStore(t, func(t *testing.T, st store.Store) {
		s := newSite(t, st)
		for name, change := range map[string]string{
			"a login":             "/login?user=victim",
			"a change of user":    "/login?user=victim",
			"a login after renew": "/renew",
		} {
			attacker := s.browser()
			attacker.get(t, "/note?text=planted")
			if name == "a change of user" {
				attacker.get(t, "/login?user=mallory")
			}
			victim := attacker.steal()
			victim.get(t, change)
			if victim.token() == attacker.token() {
				t.Errorf("%s: the cookie is the one that was planted", name)
			}
			victim.get(t, "/login?user=victim")
			victim.get(t, "/note?text=secret")
			for _, path := range []string{"/read", "/count", "/renew", "/read"} {
				got := attacker.get(t, path).state(t)
				if got.User == "victim" || got.Note != "planted" && got.Note != "" {
					t.Errorf("%s: %s shows the attacker %+v", name, path, got)
				}
			}
			if got := victim.get(t, "/read").state(t); got.User != "victim" {
				t.Errorf("%s: the victim is %q", name, got.User)
			}
		}
	})
}

// TestMadeUpTokensAreNotAdopted: a strict site never takes a token that it has
// not issued, not even for a visitor who is about to get one.
func TestMadeUpTokensAreNotAdopted(t *testing.T) {
	eachStore(t, func(t *testing.T, st store.Store) {
		s := newSite(t, st)
		issued := s.login(t, "somebody").token()
		foreign := newSite(t, st).login(t, "mallory").token() // of another key
		for _, planted := range []string{"fixed", foreign, issued[1:], issued + "A"} {
			victim := s.browser()
			victim.cookies[cookieName] = planted
			got := victim.get(t, "/login?user=victim").state(t)
			if victim.token() == planted || got.User != "victim" {
				t.Errorf("planted %q: cookie kept: %v, state %+v", planted, victim.token() == planted, got)
			}
			if got := s.ask(t, "/read", cookieName+"="+planted).state(t); got != (state{}) {
				t.Errorf("planted %q: it opens %+v", planted, got)
			}
		}
	})
}

// TestFixationByARunningRequest: the attacker's request has loaded the planted
// session before the login and goes on after it, reading and writing.
func TestFixationByARunningRequest(t *testing.T) {
	eachHolding(t, func(t *testing.T, st store.Store) {
		loaded, goOn := make(chan struct{}), make(chan struct{})
		mux := pages()
		mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
			s := current(r)
			close(loaded)
			<-goOn
			s.Update(func(st *state) { st.Note += "mallory was here" })
			_ = s.Save(r.Context())
			_ = s.Transact(r.Context(), func(st *state) error { st.Note += " twice"; return nil })
			tell(w, s)
		})
		s := serve(t, newManager(t, st), mux)
		attacker := s.browser()
		attacker.get(t, "/note?text=planted")
		victim := attacker.steal()
		answer := make(chan reply, 1)
		go func() { answer <- s.ask(t, "/slow", cookieName+"="+attacker.token()) }()
		<-loaded
		victim.get(t, "/login?user=victim")
		close(goOn)

		slow := <-answer
		if got := slow.state(t); got.User != "" {
			t.Errorf("the attacker was shown %+v", got)
		}
		if got := slow.setCookie(cookieName); got != "" {
			t.Errorf("the attacker's request sets the cookie to %q", got)
		}
		want := state{User: "victim", Note: "planted"}
		if diff := cmp.Diff(want, victim.get(t, "/read").state(t)); diff != "" {
			t.Errorf("the victim's session (-want +got):\n%s", diff)
		}
	})
}

// TestStateFromBeforeTheLogin is what no library can decide: the cart of an
// anonymous visitor should survive the login, and so does what an attacker has
// put into it. An application clears what must not.
func TestStateFromBeforeTheLogin(t *testing.T) {
	eachStore(t, func(t *testing.T, st store.Store) {
		s := newSite(t, st)
		attacker := s.browser()
		attacker.get(t, "/note?text=planted")
		victim := attacker.steal()
		if got := victim.get(t, "/login?user=victim").state(t); got.Note != "planted" {
			t.Errorf("note %q; if this is prevented now, say so in the documentation", got.Note)
		}
		victim.get(t, "/leave")
		if got := victim.get(t, "/login?user=victim").state(t); got.Note != "" {
			t.Errorf("cleared, and still there: %q", got.Note)
		}
	})
}
