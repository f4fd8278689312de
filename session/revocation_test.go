package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// eachRevocable calls test with a manager whose sessions are in memory, and with one
// whose sessions the clients hold, under a Revoker. Each is in a bubble.
func eachRevocable(t *testing.T, test func(t *testing.T, m *session.Manager[state])) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newManager(t, memory.New())) })
	})
	t.Run("cookie", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, newManager(t, cookie.New(), func(c *session.Config[state]) { c.Revoker = new(memory.Revoker) }))
		})
	})
}

// TestLoginsWithTheOldPassword: twenty logins with the old password are under way
// when the password is changed, each at another point of its check, which takes
// 150 ms. None of them is signed in afterwards, and a login with the new password is.
func TestLoginsWithTheOldPassword(t *testing.T) {
	changes := map[string]func(*session.Manager[state], *session.Session[state], context.Context) error{
		"RevokeOthers": func(_ *session.Manager[state], s *session.Session[state], ctx context.Context) error {
			_, err := s.RevokeOthers(ctx)
			return err
		},
		"RevokeSubject": func(m *session.Manager[state], _ *session.Session[state], ctx context.Context) error {
			_, err := m.RevokeSubject(ctx, "alice")
			return err
		},
	}
	for name, revoke := range changes {
		t.Run(name, func(t *testing.T) {
			eachRevocable(t, func(t *testing.T, m *session.Manager[state]) {
				var mu sync.Mutex
				stored := "old"
				check := func(password string) bool {
					mu.Lock()
					good := password == stored
					mu.Unlock()
					time.Sleep(150 * time.Millisecond)
					return good
				}
				signIn := func(b *browser, password string) *http.Response {
					return b.do(m, func(_ http.ResponseWriter, r *http.Request) {
						s := from(r)
						if check(password) {
							s.Login(setUser("alice"))
						}
					})
				}
				owner := newBrowser(t, nil)
				signIn(owner, "old")
				thieves := make([]*browser, 20)
				var wg sync.WaitGroup
				for i := range thieves {
					thieves[i] = newBrowser(t, nil)
					if i%2 == 0 {
						thieves[i].do(m, increment) // who has a session already
					}
					wg.Go(func() {
						time.Sleep(time.Duration(i) * 10 * time.Millisecond)
						signIn(thieves[i], "old")
					})
				}
				wg.Go(func() {
					time.Sleep(155 * time.Millisecond)
					owner.do(m, func(_ http.ResponseWriter, r *http.Request) {
						mu.Lock()
						stored = "new"
						mu.Unlock()
						if err := revoke(m, from(r), r.Context()); err != nil {
							t.Error(err)
						}
					})
				})
				wg.Wait()
				for i, b := range thieves {
					if user := b.read(m).User; user != "" {
						t.Errorf("login %d, begun at %d ms, is signed in", i, i*10)
					}
				}
				if user := owner.read(m).User; (user == "alice") != (name == "RevokeOthers") {
					t.Errorf("the owner's session is %q's", user)
				}
				later := newBrowser(t, nil)
				signIn(later, "new")
				if later.read(m).User != "alice" {
					t.Error("a later login is refused")
				}
			})
		})
	}
}

// TestRevocationAndArrival: a login is compared with a revocation by when its
// request arrived. One that arrives when RevokeSubject has returned is later.
func TestRevocationAndArrival(t *testing.T) {
	eachRevocable(t, func(t *testing.T, m *session.Manager[state]) {
		early, same := newBrowser(t, nil), newBrowser(t, nil)
		revokes := func(before time.Duration) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) {
				time.Sleep(before)
				if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
					t.Error(err)
				}
				from(r).Update(setUser("alice"))
			}
		}
		for name, response := range map[string]*http.Response{
			"a tick before the revocation":  early.do(m, revokes(time.Millisecond)),
			"in the tick of the revocation": same.do(m, revokes(0)),
		} {
			if response.StatusCode != http.StatusForbidden || cookieChange(response) != "" {
				t.Errorf("%s: status %d, cookie %q", name, response.StatusCode, cookieChange(response))
			}
		}
		after := newBrowser(t, nil)
		if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
			t.Error(err)
		}
		if response := after.do(m, login); response.StatusCode != http.StatusOK || after.read(m).User != "alice" {
			t.Errorf("right after the revocation: status %d", response.StatusCode)
		}
		if early.read(m).User != "" || same.read(m).User != "" {
			t.Error("a login in flight has survived")
		}
	})
}

// skewedStore is a store of a process whose clock is ahead of the others' by skew.
type skewedStore struct {
	*memory.Store
	skew time.Duration
}

func (s skewedStore) shifted(rec store.Record) store.Record {
	if !rec.LoginSince.IsZero() {
		rec.LoginSince = rec.LoginSince.Add(s.skew)
	}
	return rec
}

func (s skewedStore) Create(ctx context.Context, rec store.Record) error {
	return s.Store.Create(ctx, s.shifted(rec))
}

func (s skewedStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	return s.Store.Update(ctx, base, s.shifted(rec))
}

// TestRevocationUnderClockSkew holds the bound that RevokeSubject documents: if the
// clock of the process that serves the login is ahead by some time, a login that
// arrives up to that time before the revocation survives, and no earlier one. If
// it is behind, logins are refused for that time after the revocation.
func TestRevocationUnderClockSkew(t *testing.T) {
	const skew = time.Second
	for _, test := range []struct {
		name    string
		skew    time.Duration
		arrival time.Duration // after the revocation
		refused bool
	}{
		{"ahead, earlier by the skew", skew, -skew, true},
		{"ahead, a tick later than that", skew, -skew + time.Millisecond, false},
		{"behind, later by the skew", -skew, skew, true},
		{"behind, a tick later than that", -skew, skew + time.Millisecond, false},
		{"in step, a tick earlier", 0, -time.Millisecond, true},
		{"in step, a tick later", 0, time.Millisecond, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				m, skewed := newManager(t, st), newManager(t, skewedStore{st, test.skew})
				var wg sync.WaitGroup
				wg.Go(func() {
					time.Sleep(2 * skew)
					if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(2*skew + test.arrival)
				response := newBrowser(t, nil).do(skewed, func(_ http.ResponseWriter, r *http.Request) {
					wg.Wait() // the check of the password takes until then
					from(r).Login(setUser("alice"))
				})
				if refused := response.StatusCode == http.StatusForbidden; refused != test.refused {
					t.Errorf("status %d, want refused: %v", response.StatusCode, test.refused)
				}
			})
		})
	}
}

// slowRevoker takes some time to store a revocation.
type slowRevoker struct{ memory.Revoker }

func (r *slowRevoker) Revoke(ctx context.Context, key string, before, until time.Time) error {
	time.Sleep(20 * time.Millisecond)
	return r.Revoker.Revoke(ctx, key, before, until)
}

// TestLoginWhileARevocationIsStored: a login that arrived before the revocation and
// is answered while the Revoker stores it does not survive, though the Revoker could
// not refuse it.
func TestLoginWhileARevocationIsStored(t *testing.T) {
	for name, begin := range map[string]http.HandlerFunc{
		"of a new visitor":   func(http.ResponseWriter, *http.Request) {},
		"of a known visitor": increment,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Revoker = new(slowRevoker) })
				b := newBrowser(t, nil)
				b.do(m, begin)
				var wg sync.WaitGroup
				wg.Go(func() {
					time.Sleep(5 * time.Millisecond)
					if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
						t.Error(err)
					}
				})
				b.do(m, func(_ http.ResponseWriter, r *http.Request) {
					time.Sleep(15 * time.Millisecond)
					from(r).Login(setUser("alice"))
				})
				wg.Wait()
				if user := b.read(m).User; user != "" {
					t.Error("the login has survived")
				}
				time.Sleep(time.Millisecond)
				b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Login(setUser("alice")) })
				if user := b.read(m).User; user != "alice" {
					t.Error("a later login has not")
				}
			})
		})
	}
}

// TestSubjectAddedLater: sessions were stored before the program had a Subject, or
// under another one. Their next use takes it over, so that a revocation finds them.
func TestSubjectAddedLater(t *testing.T) {
	key := session.NewKey()
	with := func(subject func(*state) string, extend session.ExtendPolicy) func(*session.Config[state]) {
		return func(c *session.Config[state]) {
			c.Keys, c.Subject, c.Extend = []session.Key{key}, subject, extend
		}
	}
	user := func(s *state) string { return s.User }
	prefixed := func(s *state) string {
		if s.User == "" {
			return ""
		}
		return "user:" + s.User
	}
	for name, test := range map[string]struct {
		before, after func(*state) string
		subject       string
		authenticated bool
	}{
		"there was none":      {session.Anonymous[state], user, "alice", false},
		"it has another form": {user, prefixed, "user:alice", true},
	} {
		for _, extend := range []session.ExtendPolicy{session.ExtendOnRequest, session.ExtendOnChange} {
			t.Run(fmt.Sprint(name, ", policy ", extend), func(t *testing.T) {
				st := memory.New()
				old, m := newManager(t, st, with(test.before, extend)), newManager(t, st, with(test.after, extend))
				b := newBrowser(t, nil)
				b.do(old, login)
				b.do(m, func(_ http.ResponseWriter, r *http.Request) {
					if at := from(r).AuthenticatedAt(); at.IsZero() == test.authenticated {
						t.Errorf("authenticated at %v", at)
					}
				})
				if infos := list(t, m, test.subject); len(infos) != 1 || infos[0].AuthenticatedAt.IsZero() == test.authenticated {
					t.Errorf("the sessions of %s: %+v", test.subject, infos)
				}
				id := b.id(m)
				if n, err := m.RevokeSubject(t.Context(), test.subject); n != 1 || err != nil {
					t.Errorf("RevokeSubject: %d, %v; want 1", n, err)
				}
				if got := b.read(m); got.User != "" {
					t.Errorf("session %v goes on", id)
				}
			})
		}
	}
}

// TestSubjectAddedLaterWithoutAWrite: a read of a client-held session without a
// Revoker writes nothing back, whatever its subject is.
func TestSubjectAddedLaterWithoutAWrite(t *testing.T) {
	key := session.NewKey()
	old := newManager(t, cookie.New(), func(c *session.Config[state]) {
		c.Keys, c.Subject = []session.Key{key}, session.Anonymous[state]
	})
	m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Keys = []session.Key{key} })
	b := newBrowser(t, nil)
	b.do(old, login)
	response := b.do(m, func(_ http.ResponseWriter, r *http.Request) { _ = from(r).State() })
	if cookieChange(response) != "" {
		t.Errorf("cookie %q", cookieChange(response))
	}
}

// TestRevocationOfAnExpiredSession leaves a tombstone, and is no error.
func TestRevocationOfAnExpiredSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		m, b := newManager(t, st), newBrowser(t, nil)
		b.do(m, login)
		id := b.id(m)
		time.Sleep(idle)
		if err := m.Revoke(t.Context(), id); err != nil {
			t.Error(err)
		}
		var deleted *store.DeletedError
		if _, err := st.Load(t.Context(), id); !errors.As(err, &deleted) {
			t.Errorf("Load: %v, want a DeletedError", err)
		}
	})
}
