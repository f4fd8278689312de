package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// attemptRecordingStore records the result of each update under the name of the
// request that made it, and can wait before an update.
type attemptRecordingStore struct {
	store.Store
	log    []string
	before map[string]func() // by name and number of the update
}

type requestName struct{}

// Update implements store.Store. The requests of these tests come one at a
// time, except for those that wait.
func (s *attemptRecordingStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	name, _ := ctx.Value(requestName{}).(string)
	number := 1
	for _, line := range s.log {
		if line == name+" overtaken" {
			number++
		}
	}
	key := name + string(rune('0'+number))
	if wait := s.before[key]; wait != nil {
		wait()
	}
	err := s.Store.Update(ctx, base, rec)
	if errors.Is(err, session.ErrConflict) {
		s.log = append(s.log, name+" overtaken")
	} else {
		s.log = append(s.log, name+" stored")
	}
	return err
}

// ask serves one request of a name with the browser's cookies.
func ask(m *session.Manager[state], b *browser, name string, handler http.HandlerFunc) {
	r := b.request("/")
	r = r.WithContext(context.WithValue(r.Context(), requestName{}, name))
	m.Wrap(handler).ServeHTTP(httptest.NewRecorder(), r)
}

// overtaken is a handler in the middle of which another request writes, so that
// its own write meets a conflict and stands in line.
func overtaken(m *session.Manager[state], b *browser) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from(r)
		ask(m, b, "first", increment)
		increment(w, r)
	}
}

func TestNobodyWritesPastTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &attemptRecordingStore{Store: memory.New()}
		m := newManager(t, st)
		visit := func() (b *browser, line byte) {
			b = newBrowser(t, nil)
			b.do(m, login)
			b.do(m, func(_ http.ResponseWriter, r *http.Request) { line = from(r).ID()[0] % 64 })
			return b, line
		}
		b, line := visit()
		other, its := visit()
		for its != line { // one session in 64 shares the line
			other, its = visit()
		}
		release := make(chan struct{})
		st.before = map[string]func(){"in line2": func() { <-release }}

		go ask(m, b, "in line", overtaken(m, b))
		synctest.Wait()
		go ask(m, b, "next", increment)
		synctest.Wait()
		go ask(m, b, "last", func(_ http.ResponseWriter, r *http.Request) {
			err := from(r).Transact(r.Context(), func(s *state) error { s.Count++; return nil })
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ask(m, other, "other", increment) // does not wait
		ask(m, b, "read", func(_ http.ResponseWriter, r *http.Request) { from(r) })
		want := []string{"first stored", "in line overtaken", "other stored"}
		if diff := cmp.Diff(want, st.log); diff != "" {
			t.Errorf("while one is in line (-want +got):\n%s", diff)
		}

		close(release)
		synctest.Wait()
		want = append(want, "in line stored", "next overtaken", "next stored", "last overtaken", "last stored")
		if diff := cmp.Diff(want, st.log); diff != "" {
			t.Errorf("in the end (-want +got):\n%s", diff)
		}
		if got := b.read(m).Count; got != 4 {
			t.Errorf("count %d, want 4", got)
		}
	})
}

// TestALineDoesNotOutlastItsTime has a handler that saves, in the middle of a
// transaction which is in line, the same session by another request.
func TestALineDoesNotOutlastItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &attemptRecordingStore{Store: memory.New()}
		m := newManager(t, st)
		b := newBrowser(t, nil)
		b.do(m, login)
		start := time.Now()
		calls := 0
		ask(m, b, "outer", func(_ http.ResponseWriter, r *http.Request) {
			err := from(r).Transact(r.Context(), func(s *state) error {
				if calls++; calls <= 2 {
					ask(m, b, "inner", increment)
				}
				s.Count++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		if got := b.read(m).Count; got != 3 {
			t.Errorf("count %d, want 3", got)
		}
	})
}

// TestALineThatMovesIsWaitedFor has so many requests write one session that the
// last of them waits for several seconds.
func TestALineThatMovesIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const writers = 400
		st := newSpyStore()
		m := newManager(t, st)
		b := newBrowser(t, nil)
		b.do(m, login)
		st.before = func(string, store.ID) error { time.Sleep(5 * time.Millisecond); return nil }
		var failed atomic.Int64
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				if b.clone().do(m, increment).StatusCode != http.StatusOK {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		st.before = nil
		if got := b.read(m).Count; failed.Load() > 0 || got != writers {
			t.Errorf("%d of %d requests failed, count %d", failed.Load(), writers, got)
		}
		// A load, an attempt that is overtaken, and one in turn.
		if calls := st.calls.Load(); calls > 4*writers {
			t.Errorf("%d calls of the store, want about %d", calls, 3*writers)
		}
	})
}
