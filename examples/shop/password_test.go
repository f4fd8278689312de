package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// racingLogins is how many logins with the old password race with its change.
const racingLogins = 20

// logins are browsers that sign in at the same time with the first password of
// ada.
type logins struct {
	browsers []*browser
	statuses []int
	done     sync.WaitGroup
}

// startLogins lets that many browsers sign in. The channel is sent to before each
// sends its form.
func startLogins(b *browser, begun chan<- struct{}) *logins {
	l := &logins{statuses: make([]int, racingLogins)}
	form := url.Values{"name": {"ada"}, "password": {"analytical"}}
	for i := range racingLogins {
		other := b.another()
		l.browsers = append(l.browsers, other)
		l.done.Go(func() {
			begun <- struct{}{}
			res, err := other.client.Do(other.request("POST", "/login", form))
			if err != nil {
				b.t.Error(err)
				return
			}
			res.Body.Close()
			l.statuses[i] = res.StatusCode
		})
	}
	return l
}

// wait waits for the answers, and fails the test if a browser is signed in, or
// was given another answer than one that says it is not.
func (l *logins) wait(t *testing.T) {
	t.Helper()
	l.done.Wait()
	answers := make(map[int]int)
	for i, b := range l.browsers {
		answers[l.statuses[i]]++
		if b.isSignedIn() {
			t.Errorf("a login with the old password, which was answered %d, is signed in", l.statuses[i])
		}
	}
	// 303: the login was saved first, and its session ended by the change.
	for status := range answers {
		switch status {
		case http.StatusSeeOther, http.StatusForbidden, http.StatusUnprocessableEntity:
		default:
			t.Errorf("a login was answered %d", status)
		}
	}
	t.Logf("answers by status: %v", answers)
}

func changePassword(b *browser) {
	b.t.Helper()
	b.send("/account/password", "/account", "password", "difference engine", "again", "difference engine")
}

func TestChangedPasswordOutlastsRacingLogins(t *testing.T) {
	redis := redistest.Start(t)
	for _, kind := range []string{"memory", "cookie", "redis"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			st, err := openStore(t.Context(), kind, "redis://"+redis.Addr)
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := st.(io.Closer); ok {
				t.Cleanup(func() { c.Close() })
			}
			b := openShopOn(t, st, kind)
			b.signIn("/")
			begun := make(chan struct{}, racingLogins)
			l := startLogins(b, begun)
			for range racingLogins / 2 {
				<-begun
			}
			changePassword(b)
			l.wait(t)
			if !b.isSignedIn() {
				t.Error("the session that changed the password is not signed in")
			}
		})
	}
}

// heldStore is a store whose Create waits, as a slow network does.
type heldStore struct {
	*memory.Store
	mu      sync.Mutex
	arrived chan struct{} // sent to by a Create that waits; nil: none does
	release chan struct{} // closed when they go on
}

func (st *heldStore) hold(arrived, release chan struct{}) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.arrived, st.release = arrived, release
}

func (st *heldStore) Create(ctx context.Context, rec store.Record) error {
	st.mu.Lock()
	arrived, release := st.arrived, st.release
	st.mu.Unlock()
	if arrived != nil {
		arrived <- struct{}{}
		<-release
	}
	return st.Store.Create(ctx, rec)
}

// TestChangedPasswordRefusesLoginsInFlight holds the worst order: each login has
// checked the old password, and is stored after the change was answered.
func TestChangedPasswordRefusesLoginsInFlight(t *testing.T) {
	t.Parallel()
	st := &heldStore{Store: memory.New()}
	b := openShopOn(t, st, "memory")
	b.signIn("/")
	arrived, release := make(chan struct{}), make(chan struct{})
	st.hold(arrived, release)
	l := startLogins(b, make(chan struct{}, racingLogins))
	for range racingLogins {
		<-arrived
	}
	changePassword(b)
	close(release)
	l.wait(t)
	for _, status := range l.statuses {
		if status != http.StatusForbidden {
			t.Errorf("a login in flight was answered %d, want 403", status)
		}
	}
	st.hold(nil, nil)
	a := b.another().post("/login", "name", "ada", "password", "analytical")
	if a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the old password was answered with %s, want 422", a.Status)
	}
}

func TestRefusedLoginIsToldWhy(t *testing.T) {
	t.Parallel()
	st := &heldStore{Store: memory.New()}
	b := openShopOn(t, st, "memory")
	arrived, release := make(chan struct{}), make(chan struct{})
	b.signIn("/")
	st.hold(arrived, release)
	answered := make(chan answer)
	go func() { answered <- b.another().post("/login", "name", "ada", "password", "analytical") }()
	<-arrived
	changePassword(b)
	close(release)
	a := <-answered
	if a.StatusCode != http.StatusForbidden {
		t.Errorf("the login was answered %s, want 403", a.Status)
	}
	a.wants(t, "Please sign in again", `href="/login"`)
	if a.Header.Get("Set-Cookie") != "" {
		t.Error("the refused login sets a cookie")
	}
}
