package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// revocable configures a Revoker for sessions that the client holds.
func revocable(r store.Revoker) func(*session.Config[state]) {
	return func(c *session.Config[state]) { c.Revoker = r }
}

func TestRevokerEndsWhatTheClientHolds(t *testing.T) {
	m := newManager(t, cookie.New(), revocable(new(memory.Revoker)))
	b := newBrowser(t, nil)
	b.do(m, login)
	kept := b.clone()
	b.do(m, destroy)
	if kept.read(m).User != "" {
		t.Error("a copied cookie is good after the logout")
	}

	b.do(m, login)
	if err := m.Revoke(t.Context(), b.id(m)); err != nil || b.read(m).User != "" {
		t.Errorf("Revoke does not end the session: %v", err)
	}

	one, two, bob := newBrowser(t, nil), newBrowser(t, nil), newBrowser(t, nil)
	one.do(m, login)
	two.do(m, login)
	bob.do(m, loginAs("bob"))
	if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	one2 := newBrowser(t, nil)
	one2.do(m, login)
	if one.read(m).User != "" || two.read(m).User != "" || bob.read(m).User == "" || one2.read(m).User == "" {
		t.Error("RevokeSubject did not end the subject's earlier sessions alone")
	}

	two.do(m, login)
	old := two.clone()
	var loginAt time.Time
	two.do(m, func(_ http.ResponseWriter, r *http.Request) {
		loginAt = from(r).AuthenticatedAt()
		if _, err := from(r).RevokeOthers(r.Context()); err != nil {
			t.Error(err)
		}
	})
	two.do(m, func(_ http.ResponseWriter, r *http.Request) {
		if at := from(r).AuthenticatedAt(); !at.Equal(loginAt) {
			t.Errorf("RevokeOthers moved the login from %v to %v", loginAt, at)
		}
	})
	if one2.read(m).User != "" || old.read(m).User != "" || two.read(m).User == "" {
		t.Error("RevokeOthers did not leave this session alone")
	}
}

func TestRevokerIsAskedBeforeACookieIsSet(t *testing.T) {
	m := newManager(t, cookie.New(), revocable(new(memory.Revoker)))
	b := newBrowser(t, nil)
	b.do(m, login)
	response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		s := from(r)
		if _, err := m.RevokeSubject(r.Context(), "alice"); err != nil {
			t.Error(err)
		}
		s.Update(func(st *state) { st.Count++ })
	})
	if len(response.Header["Set-Cookie"]) > 0 {
		t.Error("a running request renews the lease of a revoked session")
	}
}

// failingRevoker does not answer.
type failingRevoker struct{}

func (failingRevoker) Revoke(context.Context, string, time.Time, time.Time) error {
	return errors.New("down")
}

func (failingRevoker) RevokedBefore(context.Context, ...string) ([]time.Time, error) {
	return nil, errors.New("down")
}

func TestARevokerThatIsDown(t *testing.T) {
	key := session.NewKey()
	one := func(c *session.Config[state]) { c.Keys = []session.Key{key} }
	b := newBrowser(t, nil)
	b.do(newManager(t, cookie.New(), one), login)
	m := newManager(t, cookie.New(), one, revocable(failingRevoker{}))
	response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		if err := from(r).Err(); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("load error %v", err)
		}
	})
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", response.StatusCode)
	}
	if err := m.Revoke(t.Context(), session.ID{1}); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Revoke: %v", err)
	}
	if _, err := m.RevokeSubject(t.Context(), "alice"); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("RevokeSubject: %v", err)
	}
}

func TestRevokerIsForClientHeldStores(t *testing.T) {
	_, err := session.NewManager(memory.New(), session.Config[state]{
		Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[state], Revoker: new(memory.Revoker),
	})
	if err == nil || !strings.Contains(err.Error(), "Config.Revoker") {
		t.Errorf("NewManager: %v", err)
	}
	m := newManager(t, cookie.New(), revocable(new(memory.Revoker)))
	if _, err := m.RevokeSubject(t.Context(), "alice", session.ID{1}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("RevokeSubject with exceptions: %v", err)
	}
}

func TestMarksAreKeptUntilTheLastCookieHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(memory.Revoker)
		m := newManager(t, cookie.New(), revocable(r), func(c *session.Config[state]) { c.IdleTimeout = 24 * time.Hour })
		b := newBrowser(t, nil)
		b.do(m, login)
		if err := m.Revoke(t.Context(), b.id(m)); err != nil {
			t.Fatal(err)
		}
		for range 1000 { // which forget some marks each
			time.Sleep(86 * time.Second)
			if err := m.Revoke(t.Context(), session.ID{byte(time.Now().Unix())}); err != nil {
				t.Fatal(err)
			}
			if b.read(m).User != "" {
				t.Fatal("the mark was forgotten before the cookie has expired")
			}
		}
	})
}
