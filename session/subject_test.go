package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// loginAs is a handler that gives the state a subject.
func loginAs(user string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *state) { s.User = user })
	}
}

func destroy(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }

// id returns the ID of the browser's session.
func (b *browser) id(m *session.Manager[state]) (id session.ID) {
	b.do(m, func(_ http.ResponseWriter, r *http.Request) { id = from(r).ID() })
	return id
}

// list returns the sessions of a subject.
func list(t testing.TB, m *session.Manager[state], subject string) []session.Info {
	t.Helper()
	infos, err := m.Sessions(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

func TestSessionsOfASubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New(), func(c *session.Config[state]) {
			c.Label = func(r *http.Request, s *state) string { return r.UserAgent() + " of " + s.User }
		})
		start := time.Now()
		phone, desk, bob := newBrowser(t, nil), newBrowser(t, nil), newBrowser(t, nil)
		phone.do(m, increment)
		time.Sleep(time.Minute)
		phone.agent = "phone"
		phone.do(m, loginAs("alice"))
		time.Sleep(time.Minute)
		desk.agent = "desk"
		desk.do(m, loginAs("alice"))
		bob.do(m, loginAs("bob"))
		time.Sleep(20 * time.Minute)
		phone.read(m)

		infos := list(t, m, "alice")
		if len(infos) != 2 || infos[0].ID != desk.id(m) || infos[1].ID != phone.id(m) {
			t.Fatalf("alice's sessions: %+v", infos)
		}
		got := infos[1]
		want := session.Info{
			ID: phone.id(m), Label: "phone of alice", CreatedAt: start, AuthenticatedAt: start.Add(time.Minute),
			LastUsedAt: start.Add(22 * time.Minute), ExpiresAt: start.Add(82 * time.Minute),
		}
		if got.Label != want.Label || !got.CreatedAt.Equal(want.CreatedAt) || !got.AuthenticatedAt.Equal(want.AuthenticatedAt) ||
			!got.LastUsedAt.Equal(want.LastUsedAt) || !got.ExpiresAt.Equal(want.ExpiresAt) {
			t.Errorf("the phone's session is %+v, want %+v", got, want)
		}
		phone.do(m, destroy)
		if infos = list(t, m, "alice"); len(infos) != 1 || infos[0].ID != desk.id(m) {
			t.Errorf("after a logout: %+v", infos)
		}
		desk.do(m, loginAs("carol"))
		if a, c := list(t, m, "alice"), list(t, m, "carol"); len(a) != 0 || len(c) != 1 {
			t.Errorf("after a change of user: alice has %+v, carol %+v", a, c)
		}
		time.Sleep(time.Hour)
		if infos = list(t, m, "bob"); len(infos) != 0 {
			t.Errorf("after the idle timeout: %+v", infos)
		}
	})
}

func TestLabelsAreCutAtARune(t *testing.T) {
	for _, label := range []string{"", "short", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("ä", 64), "x" + strings.Repeat("€", 40), "bad \xff\xfe" + strings.Repeat("y", 80)} {
		m := newManager(t, memory.New(), func(c *session.Config[state]) {
			c.Label = func(*http.Request, *state) string { return label }
		})
		newBrowser(t, nil).do(m, login)
		got := list(t, m, "alice")[0].Label
		clean := strings.ToValidUTF8(label, "")
		if !strings.HasPrefix(clean, got) || len(got) > 64 || !utf8.ValidString(got) || len(clean) <= 64 && got != clean || len(clean) > 64 && len(got) < 62 {
			t.Errorf("label %q is kept as %q", label, got)
		}
	}
}

func TestRevoke(t *testing.T) {
	m := newManager(t, memory.New())
	a, b, c, other := newBrowser(t, nil), newBrowser(t, nil), newBrowser(t, nil), newBrowser(t, nil)
	for _, browser := range []*browser{a, b, c} {
		browser.do(m, login)
	}
	other.do(m, loginAs("bob"))
	if err := m.Revoke(t.Context(), a.id(m)); err != nil {
		t.Fatal(err)
	}
	if a.read(m).User != "" || b.read(m).User == "" || len(list(t, m, "alice")) != 2 {
		t.Error("Revoke did not end that session alone")
	}
	if n, err := m.RevokeSubject(t.Context(), "alice", b.id(m)); n != 1 || err != nil {
		t.Errorf("RevokeSubject returned %d, %v; want 1", n, err)
	}
	if b.read(m).User == "" || c.read(m).User != "" || other.read(m).User == "" {
		t.Error("RevokeSubject did not end the others of the subject alone")
	}
	d := newBrowser(t, nil)
	d.do(m, login)
	d.do(m, func(_ http.ResponseWriter, r *http.Request) {
		if n, err := from(r).RevokeOthers(r.Context()); n != 1 || err != nil {
			t.Errorf("RevokeOthers returned %d, %v; want 1", n, err)
		}
	})
	if b.read(m).User != "" || d.read(m).User == "" {
		t.Error("RevokeOthers did not end the other session alone")
	}
	if n, err := m.RevokeSubject(t.Context(), "alice"); n != 1 || err != nil || d.read(m).User != "" {
		t.Errorf("RevokeSubject returned %d, %v", n, err)
	}
	if n, err := m.RevokeSubject(t.Context(), "unknown"); n != 0 || err != nil {
		t.Errorf("RevokeSubject of a subject without sessions returned %d, %v", n, err)
	}
}

func TestRevokeOfWhatIsNotThere(t *testing.T) {
	m := newManager(t, memory.New())
	for _, id := range []session.ID{{}, {1, 2, 3}} {
		if err := m.Revoke(t.Context(), id); err != nil {
			t.Errorf("Revoke(%v): %v", id, err)
		}
	}
	if _, err := m.RevokeSubject(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "subject is empty") {
		t.Errorf("RevokeSubject of the empty subject: %v", err)
	}
	if _, err := m.Sessions(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "subject is empty") {
		t.Errorf("Sessions of the empty subject: %v", err)
	}
	newBrowser(t, nil).do(m, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := from(r).RevokeOthers(r.Context()); err == nil {
			t.Error("RevokeOthers without a subject is no error")
		}
	})
}

// storeOnly hides what a store can do beside the contract.
type storeOnly struct{ store.Store }

func TestStoresWithoutAnIndex(t *testing.T) {
	for name, st := range map[string]store.Store{"that holds records": storeOnly{memory.New()}, "that is client-held": cookie.New()} {
		m := newManager(t, st)
		b := newBrowser(t, nil)
		b.do(m, login)
		_, errSubject := m.RevokeSubject(t.Context(), "alice")
		_, errList := m.Sessions(t.Context(), "alice")
		for call, err := range map[string]error{"RevokeSubject": errSubject, "Sessions": errList} {
			if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), fmt.Sprintf("%T", st)) {
				t.Errorf("%s with a store %s: %v", call, name, err)
			}
		}
		err := m.Revoke(t.Context(), b.id(m))
		if _, clientHeld := st.(store.ClientHeld); clientHeld {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Revoke with a store %s: %v", name, err)
			}
		} else if err != nil || b.read(m).User != "" {
			t.Errorf("Revoke needs no index, but: %v", err)
		}
	}
}

// A session whose subject changes is in the index of the present one only.
func TestASubjectThatComesBackIsRevoked(t *testing.T) {
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	for _, user := range []string{"alice", "bob", "alice"} {
		b.do(m, loginAs(user))
	}
	if n, err := m.RevokeSubject(t.Context(), "bob"); n != 0 || err != nil {
		t.Errorf("RevokeSubject of the former subject: %d, %v; want 0", n, err)
	}
	if n, err := m.RevokeSubject(t.Context(), "alice"); n != 1 || err != nil {
		t.Errorf("RevokeSubject: %d, %v; want 1", n, err)
	}
	if user := b.read(m).User; user != "" {
		t.Errorf("the session of %q goes on", user)
	}
}

func TestARunningRequestDoesNotOutliveRevocation(t *testing.T) {
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	b.do(m, login)
	response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		s := from(r)
		if _, err := m.RevokeSubject(r.Context(), "alice"); err != nil {
			t.Error(err)
		}
		s.Update(func(st *state) { st.Count++ })
	})
	if len(response.Header["Set-Cookie"]) > 0 || b.read(m).User != "" || len(list(t, m, "alice")) != 0 {
		t.Error("the session came back")
	}
}

// A login whose request arrived before RevokeSubject has returned is refused.
func TestALoginInFlightIsRevoked(t *testing.T) {
	before := map[string]http.HandlerFunc{
		"of a new visitor":   func(http.ResponseWriter, *http.Request) {},
		"of a known visitor": increment,
		"of the subject":     login,
		"of another subject": loginAs("bob"),
	}
	for name, begin := range before {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, memory.New())
			b := newBrowser(t, nil)
			b.do(m, begin)
			response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
					t.Error(err)
				}
				s.Login(setUser("alice"))
				if err := s.Save(r.Context()); !errors.Is(err, session.ErrRevoked) {
					t.Errorf("Save: %v, want ErrRevoked", err)
				}
			})
			if response.StatusCode == http.StatusOK || cookieChange(response) != "" {
				t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
			}
			if user := b.read(m).User; user == "alice" || len(list(t, m, "alice")) != 0 {
				t.Errorf("the login was not refused, the user is %q", user)
			}
			b.do(m, login)
			if user := b.read(m).User; user != "alice" {
				t.Errorf("a later login is refused, the user is %q", user)
			}
		})
	}
}

// A revocation that spares the request's own session does not cover a later login
// of the same request: the password was confirmed and all other sessions end.
func TestALoginAfterRevokingOthersIsKept(t *testing.T) {
	revocations := map[string]func(*session.Manager[state], *session.Session[state], context.Context) error{
		"RevokeOthers": func(_ *session.Manager[state], s *session.Session[state], ctx context.Context) error {
			_, err := s.RevokeOthers(ctx)
			return err
		},
		"RevokeOthers with another context": func(_ *session.Manager[state], s *session.Session[state], _ context.Context) error {
			_, err := s.RevokeOthers(context.Background())
			return err
		},
		"RevokeSubject with an exception": func(m *session.Manager[state], s *session.Session[state], ctx context.Context) error {
			_, err := m.RevokeSubject(ctx, "alice", s.ID())
			return err
		},
	}
	for name, revoke := range revocations {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, memory.New())
			b, other := newBrowser(t, nil), newBrowser(t, nil)
			b.do(m, login)
			other.do(m, login)
			response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				if err := revoke(m, s, r.Context()); err != nil {
					t.Error(err)
				}
				s.Login(nil)
			})
			if response.StatusCode != http.StatusOK || cookieChange(response) != "set" {
				t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
			}
			if b.read(m).User != "alice" || other.read(m).User != "" {
				t.Errorf("users %q and %q", b.read(m).User, other.read(m).User)
			}
		})
	}
}

func TestMaxSessionsPerSubject(t *testing.T) {
	m := newManager(t, memory.New(), func(c *session.Config[state]) { c.MaxSessionsPerSubject = 3 })
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New(), func(c *session.Config[state]) { c.MaxSessionsPerSubject = 3 })
		var browsers []*browser
		for range 5 {
			b := newBrowser(t, nil)
			b.do(m, login)
			browsers = append(browsers, b)
			time.Sleep(time.Second)
		}
		for i, b := range browsers {
			if live := b.read(m).User != ""; live != (i >= 2) {
				t.Errorf("login %d is live: %v", i, live)
			}
		}
		// A visitor whose session is old, but whose login is new.
		old := newBrowser(t, nil)
		old.do(m, increment)
		time.Sleep(30 * time.Minute)
		for _, b := range browsers {
			b.read(m)
		}
		old.do(m, login)
		if old.read(m).User == "" || browsers[2].read(m).User != "" || browsers[3].read(m).User == "" {
			t.Error("the limit does not go by the time of the login")
		}
	})

	for range 20 {
		if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { newBrowser(t, nil).do(m, login) })
		}
		wg.Wait()
		if n := len(list(t, m, "alice")); n != 3 {
			t.Fatalf("16 logins at once leave %d sessions, want 3", n)
		}
	}
}

// TestLoginsRaceWithRevocation ends sessions while others of the subject begin.
// Each login either is gone, or is live and listed; and one that was answered
// before the revocation began is gone.
func TestLoginsRaceWithRevocation(t *testing.T) {
	m := newManager(t, memory.New())
	for range 100 {
		var wg sync.WaitGroup
		before, during := make([]*browser, 3), make([]*browser, 5)
		for i := range before {
			before[i] = newBrowser(t, nil)
			before[i].do(m, login)
		}
		for i := range during {
			during[i] = newBrowser(t, nil)
			if rand.IntN(2) == 0 {
				during[i].do(m, increment) // a login of a session that is there
			}
			wg.Go(func() {
				time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
				during[i].do(m, login)
			})
		}
		wg.Go(func() {
			time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
			if _, err := m.RevokeSubject(context.Background(), "alice"); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		listed := map[session.ID]bool{}
		for _, info := range list(t, m, "alice") {
			listed[info.ID] = true
		}
		for _, b := range before {
			if b.read(m).User != "" {
				t.Fatal("a session from before the revocation is live")
			}
		}
		for _, b := range during {
			if live := b.read(m).User != ""; live != listed[b.id(m)] {
				t.Fatalf("a session is live: %v, but listed: %v", live, listed[b.id(m)])
			}
		}
		if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil || len(list(t, m, "alice")) != 0 {
			t.Fatal("a second revocation leaves sessions")
		}
	}
}

func TestStepUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New())
		b := newBrowser(t, nil)
		change := m.Wrap(m.RequireRecentLogin(10*time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "changed")
		})))
		b.handler = change
		status := func() int { return b.get("/").StatusCode }
		if got := status(); got != http.StatusForbidden {
			t.Errorf("without a login: %d", got)
		}
		b.do(m, login)
		if got := status(); got != http.StatusOK {
			t.Errorf("after a login: %d", got)
		}
		time.Sleep(10*time.Minute - time.Millisecond)
		if got := status(); got != http.StatusOK {
			t.Errorf("a tick before the limit: %d", got)
		}
		time.Sleep(time.Millisecond)
		if got := status(); got != http.StatusForbidden {
			t.Errorf("at the limit: %d", got)
		}
		old := b.clone()
		b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Login(nil) })
		if got := status(); got != http.StatusOK {
			t.Errorf("after Login(nil): %d", got)
		}
		if old.read(m).User != "" {
			t.Error("Login(nil) leaves the old secret good")
		}
		at := time.Time{}
		b.do(m, func(_ http.ResponseWriter, r *http.Request) { at = from(r).AuthenticatedAt() })
		if !at.Equal(time.Now()) {
			t.Errorf("authenticated at %v, want %v", at, time.Now())
		}
		b.do(m, loginAs(""))
		b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			from(r).Login(nil)
			at = from(r).AuthenticatedAt()
		})
		if !at.IsZero() || status() != http.StatusForbidden {
			t.Errorf("without a subject, authenticated at %v", at)
		}
	})
}
