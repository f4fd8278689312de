package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Tokens is the state of a session that calls an API in the user's name.
type Tokens struct {
	Access     string
	Refresh    string // accepted once by the provider
	Expires    time.Time
	Refreshing time.Time // until when a request may be redeeming Refresh
}

// refreshLease is longer than a call of the provider may take.
const refreshLease = 10 * time.Second

var (
	errUsable = errors.New("the access token is usable")
	errBusy   = errors.New("another request is redeeming the refresh token")
)

// accessToken returns a usable access token. If the token has expired, one of the
// concurrent requests of the session redeems the refresh token, and the others
// wait for it. The call is outside of Transact, whose function runs in several
// requests at once.
func accessToken(ctx context.Context, s *session.Session[Tokens], redeem func(context.Context, string) (Tokens, error)) (string, error) {
	for {
		var seen Tokens
		err := s.Transact(ctx, func(st *Tokens) error {
			seen = *st
			switch now := time.Now(); {
			case now.Before(st.Expires):
				return errUsable
			case now.Before(st.Refreshing):
				return errBusy
			default:
				st.Refreshing = now.Add(refreshLease)
				return nil
			}
		})
		switch {
		case errors.Is(err, errUsable):
			return seen.Access, nil
		case errors.Is(err, errBusy):
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		case err != nil:
			return "", err
		default:
			// The claim is ours. A client that hangs up must not lose the new
			// refresh token: the old one is used up.
			own, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshLease)
			defer cancel()
			fresh, err := redeem(own, seen.Refresh)
			if err != nil {
				return "", err // the next request tries when the lease has ended
			}
			err = s.Transact(own, func(st *Tokens) error {
				*st = fresh // all of the state is the provider's
				return nil
			})
			return fresh.Access, err
		}
	}
}

// provider accepts each refresh token once. If one is used again it ends the
// grant, as RFC 9700 section 4.14.2 advises.
type provider struct {
	mu    sync.Mutex
	valid int // number of the refresh token
	calls int
	ended bool
}

func (p *provider) redeem(_ context.Context, token string) (Tokens, error) {
	time.Sleep(50 * time.Millisecond) // so that requests meet
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if token != fmt.Sprint("refresh", p.valid) {
		p.ended = true
	}
	if p.ended {
		return Tokens{}, errors.New("invalid_grant")
	}
	p.valid++
	return Tokens{
		Access: fmt.Sprint("access", p.valid), Refresh: fmt.Sprint("refresh", p.valid),
		Expires: time.Now().Add(time.Hour),
	}, nil
}

func TestRefreshTokenIsRedeemedOnce(t *testing.T) {
	st, key := memory.New(), session.NewKey()
	idp := new(provider)
	// Two managers on one store, as in two processes.
	var processes []http.Handler
	for range 2 {
		m := newManager(t, st, session.Config[Tokens]{
			Keys: []session.Key{key}, Subject: session.Anonymous[Tokens],
		})
		mux := http.NewServeMux()
		mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
			session.From[Tokens](r.Context()).Login(func(st *Tokens) { st.Refresh = "refresh0" })
		})
		mux.HandleFunc("/api", func(w http.ResponseWriter, r *http.Request) {
			token, err := accessToken(r.Context(), session.From[Tokens](r.Context()), idp.redeem)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			fmt.Fprint(w, token)
		})
		processes = append(processes, m.Wrap(mux))
	}
	b := newBrowser(t, processes[0])
	b.get("/login")
	var all sync.WaitGroup
	for i := range 20 {
		tab := &browser{t, processes[i%2], b.jar}
		all.Go(func() { tab.get("/api").wants(t, http.StatusOK, "access1") })
	}
	all.Wait()
	if idp.calls != 1 || idp.ended {
		t.Errorf("the provider was called %d times, and has ended the grant: %v", idp.calls, idp.ended)
	}
}
