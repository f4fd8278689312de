package session_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// watched runs end while another request of the browser's session is watching,
// and returns how long after it the watch has ended, and why.
func watched(t *testing.T, m *session.Manager[state], b *browser, end func()) (time.Duration, error) {
	t.Helper()
	other := b.clone()
	started, ended := make(chan struct{}), make(chan error, 1)
	go other.do(m, func(w http.ResponseWriter, r *http.Request) {
		ctx := from(r).Watch(r.Context())
		w.(http.Flusher).Flush()
		close(started)
		select {
		case <-ctx.Done():
			ended <- context.Cause(ctx)
		case <-time.After(72 * time.Hour):
			ended <- nil
		}
	})
	<-started
	synctest.Wait()
	end()
	start := time.Now()
	err := <-ended
	return time.Since(start), err
}

func TestWatch(t *testing.T) {
	tests := []struct {
		name string
		end  func(m *session.Manager[state], b *browser)
	}{
		{"destroyed", func(m *session.Manager[state], b *browser) { b.do(m, destroy) }},
		{"revoked", func(m *session.Manager[state], b *browser) { _ = m.Revoke(context.Background(), b.id(m)) }},
		{"revoked with the subject", func(m *session.Manager[state], _ *browser) {
			_, _ = m.RevokeSubject(context.Background(), "alice")
		}},
		{"superseded", func(m *session.Manager[state], b *browser) {
			b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() })
		}},
	}
	for _, test := range tests {
		t.Run(test.name+", told at once", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, memory.New())
				b := newBrowser(t, nil)
				b.do(m, login)
				after, err := watched(t, m, b, func() { test.end(m, b) })
				if after != 0 || !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the watch ended after %v with %v", after, err)
				}
			})
		})
		t.Run(test.name+", seen by asking", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, indexOnly{memory.New()})
				b := newBrowser(t, nil)
				b.do(m, login)
				after, err := watched(t, m, b, func() {
					time.Sleep(time.Minute + time.Second)
					test.end(m, b)
				})
				if after <= 0 || after > 5*time.Second || !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the watch ended after %v with %v", after, err)
				}
			})
		})
	}
	for _, st := range []store.Store{memory.New(), cookie.New()} {
		t.Run("expired", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t, st)
				b := newBrowser(t, nil)
				b.do(m, login)
				after, err := watched(t, m, b, func() {})
				if after != time.Hour || !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the watch ended after %v with %v", after, err)
				}
			})
		})
	}
}

// indexOnly hides that a store is a Notifier.
type indexOnly struct{ store.SubjectIndex }

func TestWatchOutlivesUseAndOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		s := newSpyStore()
		s.before = func(string, store.ID) error {
			if down.Load() {
				return errors.New("store is down")
			}
			return nil
		}
		m := newManager(t, s)
		b := newBrowser(t, nil)
		b.do(m, login)
		after, err := watched(t, m, b, func() {
			for range 10 {
				b.do(m, increment)
				time.Sleep(50 * time.Minute)
			}
			down.Store(true)
			time.Sleep(time.Minute)
			down.Store(false)
			b.do(m, increment)
		})
		if after != time.Hour || !errors.Is(err, session.ErrNotFound) {
			t.Errorf("the watch ended %v after the last use, with %v", after, err)
		}
	})
}

func TestWatchGoesOnThroughTheRequestsOwnChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New())
		newBrowser(t, nil).do(m, func(_ http.ResponseWriter, r *http.Request) {
			s := from(r)
			ctx := s.Watch(r.Context())
			for _, user := range []string{"alice", "bob", "alice"} {
				s.Update(func(st *state) { st.User = user })
				if err := s.Save(r.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(11 * time.Second)
			}
			if ctx.Err() != nil {
				t.Errorf("the session's own renewals ended the watch: %v", context.Cause(ctx))
			}
			if err := m.Revoke(r.Context(), s.ID()); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if ctx.Err() == nil {
				t.Error("the watch does not end")
			}
		})
	})
}

func TestWatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New())
		b := newBrowser(t, nil)
		b.do(m, login)
		b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			parent, cancel := context.WithCancelCause(r.Context())
			ctx := from(r).Watch(parent)
			reason := errors.New("enough")
			cancel(reason)
			synctest.Wait() // and no goroutine is left when the bubble ends
			if context.Cause(ctx) != reason {
				t.Errorf("cause %v, want %v", context.Cause(ctx), reason)
			}
		})
	})
}

// TestWatchOfANewSession: the session is stored after Watch has begun, and ends later.
func TestWatchOfANewSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New())
		b := newBrowser(t, nil)
		b.do(m, func(w http.ResponseWriter, r *http.Request) {
			s := from(r)
			ctx := s.Watch(r.Context())
			synctest.Wait()
			s.Update(setUser("alice"))
			w.(http.Flusher).Flush()
			synctest.Wait()
			start := time.Now()
			if err := m.Revoke(t.Context(), s.ID()); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			if after := time.Since(start); after != 0 || !errors.Is(context.Cause(ctx), session.ErrNotFound) {
				t.Errorf("the watch ended after %v with %v", after, context.Cause(ctx))
			}
		})
	})
}
