package rueidis_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/rueidis"
	"github.com/typedsession/typedsession/store/storetest"
)

type owned struct{ User string }

func newOwnedManager(t *testing.T, st session.Store, change func(*session.Config[owned])) *session.Manager[owned] {
	t.Helper()
	cfg := session.Config[owned]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *owned) string { return s.User },
		Logger:  slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	m, err := session.NewManager(st, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// loginWith logs in with a cookie, if there is one, and returns the cookie that
// counts afterwards.
func loginWith(m *session.Manager[owned], cookie, user string) string {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[owned]) {
		s.Update(func(st *owned) { st.User = user })
	}).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return cookie
}

// whose returns the user and the ID of a cookie's session.
func whose(m *session.Manager[owned], cookie string) (user string, id session.ID) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", cookie)
	m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[owned]) {
		user, id = s.State().User, s.ID()
	}).ServeHTTP(httptest.NewRecorder(), r)
	return user, id
}

func listed(t *testing.T, m *session.Manager[owned], user string) map[session.ID]bool {
	t.Helper()
	ids := map[session.ID]bool{}
	for info, err := range m.Sessions(t.Context(), user) {
		if err != nil {
			t.Fatal(err)
		}
		ids[info.ID] = true
	}
	return ids
}

// TestSubjects is what session's own tests hold the memory store to, here on
// real servers, where the index and the records are different keys, and in a
// cluster on different nodes.
func TestSubjects(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		for name, url := range map[string]func() string{
			"standalone": func() string { return "redis://" + p.Start(t).Addr },
			"cluster":    func() string { return clusterURL(p.StartCluster(t, false)) },
		} {
			t.Run(name, func(t *testing.T) {
				url := url()
				t.Run("logins race with revocation", func(t *testing.T) { testLoginsRace(t, url) })
				t.Run("a limit holds for logins at once", func(t *testing.T) { testLimit(t, url) })
			})
		}
	})
}

func testLoginsRace(t *testing.T, url string) {
	// Two processes, as far as the server can tell.
	var managers []*session.Manager[owned]
	key := session.NewKey()
	for range 2 {
		managers = append(managers, newOwnedManager(t, open(t, url, rueidis.Options{}), func(c *session.Config[owned]) { c.Keys = []session.Key{key} }))
	}
	const rounds = 40
	survived := 0
	for range rounds {
		before, during := make([]string, 2), make([]string, 6)
		for i := range before {
			before[i] = loginWith(managers[i%2], "", "alice")
		}
		var wg sync.WaitGroup
		for i := range during {
			m := managers[i%2]
			if i < 3 {
				during[i] = loginWith(m, "", "visitor") // whose login is an update
			}
			wg.Go(func() {
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
				during[i] = loginWith(m, during[i], "alice")
			})
		}
		wg.Go(func() {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			if _, err := managers[0].RevokeSubject(context.Background(), "alice"); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		for _, cookie := range before {
			if user, _ := whose(managers[1], cookie); user != "" {
				t.Fatal("a session from before the revocation is live")
			}
		}
		ids := listed(t, managers[1], "alice")
		for _, cookie := range during {
			user, id := whose(managers[0], cookie)
			if user == "alice" {
				survived++
			}
			if (user == "alice") != ids[id] {
				t.Fatalf("a session belongs to %q, and is listed: %v", user, ids[id])
			}
		}
		if _, err := managers[1].RevokeSubject(t.Context(), "alice"); err != nil || len(listed(t, managers[0], "alice")) != 0 {
			t.Fatalf("a second revocation leaves sessions: %v", err)
		}
	}
	t.Logf("of %d logins that raced with a revocation, %d came after it", rounds*6, survived)
}

func testLimit(t *testing.T, url string) {
	m := newOwnedManager(t, open(t, url, rueidis.Options{}), func(c *session.Config[owned]) { c.MaxPerSubject = 3 })
	for range 10 {
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() { loginWith(m, "", "carol") })
		}
		wg.Wait()
		if n := len(listed(t, m, "carol")); n != 3 {
			t.Fatalf("12 logins at once leave %d sessions, want 3", n)
		}
	}
}

func TestRevoker(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		for name, url := range map[string]func() string{
			"standalone": func() string { return "redis://" + p.Start(t).Addr },
			"cluster":    func() string { return clusterURL(p.StartCluster(t, false)) },
		} {
			t.Run(name, func(t *testing.T) {
				st := open(t, url(), rueidis.Options{})
				m := newOwnedManager(t, cookie.New(), func(c *session.Config[owned]) { c.Revoker = st.Revoker() })
				first, second := loginWith(m, "", "alice"), loginWith(m, "", "alice")
				_, id := whose(m, first)
				if err := m.Revoke(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if user, _ := whose(m, first); user != "" {
					t.Error("a revoked session is live")
				}
				if user, _ := whose(m, second); user != "alice" {
					t.Error("another session was revoked too")
				}
				if _, err := m.RevokeSubject(t.Context(), "alice"); err != nil {
					t.Fatal(err)
				}
				third := loginWith(m, "", "alice")
				if user, _ := whose(m, second); user != "" {
					t.Error("the subject's session is live")
				}
				if user, _ := whose(m, third); user != "alice" {
					t.Error("a login after the revocation does not count")
				}
			})
		}
	})
}

func TestRevokerConformance(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		st := open(t, "redis://"+p.Start(t).Addr, rueidis.Options{})
		storetest.RunRevoker(t, func(*testing.T) session.Revoker { return st.Revoker() })
	})
}

func TestRevokerKeepsTheLaterMark(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		r := open(t, "redis://"+s.Addr, rueidis.Options{}).Revoker()
		now := time.UnixMilli(time.Now().UnixMilli())
		for _, before := range []time.Time{now, now.Add(time.Second), now.Add(-time.Hour)} {
			if err := r.Revoke(t.Context(), "subject:a", before, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Revoke(t.Context(), "subject:a", now, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		got, err := r.RevokedBefore(t.Context(), "subject:b", "subject:a")
		if err != nil || len(got) != 2 || !got[0].IsZero() || !got[1].Equal(now.Add(time.Second)) {
			t.Errorf("marks %v, %v; want none and %v", got, err, now.Add(time.Second))
		}
		if life := s.MustDo("PTTL", "session:revoked:subject:a"); len(life) != 7 || life[0] != '3' {
			t.Errorf("the mark lives for %s ms, want almost an hour", life)
		}
	})
}
