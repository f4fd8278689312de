package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// updateHookStore calls a function with the context of each update.
type updateHookStore struct {
	store.Store
	update func(ctx context.Context)
}

func (s *updateHookStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	s.update(ctx)
	return s.Store.Update(ctx, base, rec)
}

type valueKey struct{}

func TestTheContextOfACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept context.Context
		st := &updateHookStore{Store: memory.New()}
		st.update = func(ctx context.Context) {
			kept = ctx
			start := time.Now()
			if deadline, ok := ctx.Deadline(); !ok || !deadline.Equal(start.Add(10*time.Second)) {
				t.Errorf("deadline %v, want 10 s", deadline.Sub(start))
			}
			if ctx.Value(valueKey{}) != "value" || ctx.Err() != nil {
				t.Errorf("value %v, error %v", ctx.Value(valueKey{}), ctx.Err())
			}
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			if child.Value(valueKey{}) != "value" {
				t.Error("the value is gone in a derived context")
			}
			<-child.Done()
			if waited := time.Since(start); waited != 10*time.Second || !errors.Is(child.Err(), context.DeadlineExceeded) || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("ended after %v with %v and %v", waited, child.Err(), ctx.Err())
			}
		}
		m := newManager(t, st)
		b := newBrowser(t, nil)
		b.do(m, increment)
		ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), valueKey{}, "value"))
		r := b.request("/").WithContext(ctx)
		m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			increment(nil, r)
			hangUp()
		})).ServeHTTP(httptest.NewRecorder(), r)
		if kept == nil {
			t.Fatal("nothing was stored")
		}
	})
}

func TestTheContextOfACommitThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &updateHookStore{Store: memory.New()}
		st.update = func(ctx context.Context) {
			time.Sleep(10*time.Second - 1)
			if ctx.Err() != nil {
				t.Errorf("ended early: %v", ctx.Err())
			}
			time.Sleep(time.Nanosecond)
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("at its deadline: %v", ctx.Err())
			}
		}
		m := newManager(t, st)
		b := newBrowser(t, nil)
		b.do(m, increment)
		b.do(m, increment)
	})
}
