package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// crossing is a store that notes what came of each update, under the name of
// the request that made it, and can be told to wait before or after one.
type crossing struct {
	session.Store
	log    []string
	before map[string]func() // by name and number of the update
	after  map[string]func()
	lost   map[string]bool // the answer
}

type requestName struct{}

// Update implements session.Store. The requests of these tests come one at a
// time, except for those that wait.
func (s *crossing) Update(ctx context.Context, ref string, base session.Rev, rec session.Record) (string, error) {
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
	ref, err := s.Store.Update(ctx, ref, base, rec)
	if errors.Is(err, session.ErrConflict) {
		s.log = append(s.log, name+" overtaken")
	} else {
		s.log = append(s.log, name+" stored")
	}
	if wait := s.after[key]; wait != nil {
		wait()
	}
	if s.lost[key] {
		s.lost[key] = false
		return "", errors.New("no answer")
	}
	return ref, err
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
		store := &crossing{Store: memory.New()}
		m := newManager(t, store)
		b := newBrowser(t, nil)
		b.do(m, login)
		release := make(chan struct{})
		store.before = map[string]func(){"in line2": func() { <-release }}

		go ask(m, b, "in line", overtaken(m, b))
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		go ask(m, b, "next", increment)
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		go ask(m, b, "last", func(_ http.ResponseWriter, r *http.Request) {
			err := from(r).Transact(r.Context(), func(s *state) error { s.Count++; return nil })
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		other := newBrowser(t, nil)
		ask(m, other, "of another session", login) // waits for nobody
		ask(m, b, "read", func(_ http.ResponseWriter, r *http.Request) { from(r) })
		if diff := cmp.Diff([]string{"first stored", "in line overtaken"}, store.log); diff != "" {
			t.Errorf("while one is in line (-want +got):\n%s", diff)
		}

		time.Sleep(time.Nanosecond)
		close(release)
		synctest.Wait()
		// The last one came before the next one's write began, and is told of
		// it. The next one came too late for that.
		want := []string{
			"first stored", "in line overtaken", "in line stored",
			"next overtaken", "next stored", "last stored",
		}
		if diff := cmp.Diff(want, store.log); diff != "" {
			t.Errorf("in the end (-want +got):\n%s", diff)
		}
		if got := b.read(m).Count; got != 4 {
			t.Errorf("count %d, want 4", got)
		}
	})
}

// TestTheLineHandsOverNothingOld has another process renew the session after
// who is in line has written, and a request with the new token wait for it. What
// was written in the line is older than what that request has loaded, and knows
// nothing of its secret.
func TestTheLineHandsOverNothingOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &crossing{Store: memory.New()}
		key := session.NewKey()
		oneKey := func(cfg *session.Config[state]) { cfg.Keys = []session.Key{key} }
		m, elsewhere := newManager(t, store, oneKey), newManager(t, store, oneKey)
		b := newBrowser(t, nil)
		b.do(m, login)
		release := make(chan struct{})
		store.after = map[string]func(){"in line2": func() { <-release }}

		// All of it at one time, as far as the clock can tell.
		go ask(m, b, "in line", overtaken(m, b))
		synctest.Wait()
		b.do(elsewhere, func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() })
		go ask(m, b, "renewed", increment)
		synctest.Wait()
		close(release)
		synctest.Wait()

		want := []string{"first stored", "in line overtaken", "in line stored", " stored", "renewed stored"}
		if diff := cmp.Diff(want, store.log); diff != "" {
			t.Errorf("updates (-want +got):\n%s", diff)
		}
		if got := b.read(m).Count; got != 3 {
			t.Errorf("count %d, want 3", got)
		}
	})
}

// TestTheLineHandsOverNoOtherSession has requests of two sessions meet conflicts
// that share a line, as one pair in 64 does.
func TestTheLineHandsOverNoOtherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &crossing{Store: memory.New()}
		m := newManager(t, store)
		visit := func() (b *browser, line byte) {
			b = newBrowser(t, nil)
			b.do(m, login)
			b.do(m, func(_ http.ResponseWriter, r *http.Request) { line = from(r).ID()[0] % 64 })
			return b, line
		}
		b, line := visit()
		other, its := visit()
		for its != line {
			other, its = visit()
		}
		release := make(chan struct{})
		store.before = map[string]func(){"in line2": func() { <-release }}

		go ask(m, b, "in line", overtaken(m, b))
		synctest.Wait()
		go ask(m, b, "next", increment)
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		go ask(m, other, "other", overtaken(m, other))
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		close(release)
		synctest.Wait()

		want := []string{
			"first stored", "in line overtaken", "first stored", "other overtaken",
			"in line stored", "next overtaken", "next stored", "other stored",
		}
		if diff := cmp.Diff(want, store.log); diff != "" {
			t.Errorf("updates (-want +got):\n%s", diff)
		}
		if got, its := b.read(m).Count, other.read(m).Count; got != 3 || its != 2 {
			t.Errorf("counts %d and %d, want 3 and 2", got, its)
		}
	})
}

// TestTheLineHandsOverNothingDoubtful has a request whose save was made, but got
// no answer, come to the line. What is handed over there was written upon that
// save, and would have the change made a second time.
func TestTheLineHandsOverNothingDoubtful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &crossing{Store: memory.New()}
		m := newManager(t, store)
		b := newBrowser(t, nil)
		b.do(m, login)
		release := make(chan struct{})
		store.before = map[string]func(){"in line2": func() { <-release }}
		store.lost = map[string]bool{"doubtful1": true}

		saved := make(chan struct{})
		commit := make(chan struct{})
		go ask(m, b, "in line", func(w http.ResponseWriter, r *http.Request) {
			from(r)
			go ask(m, b, "doubtful", func(_ http.ResponseWriter, r *http.Request) {
				s := from(r)
				s.Update(func(s *state) { s.Count++ })
				if err := s.Save(r.Context()); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("Save: %v", err)
				}
				close(saved)
				<-commit
			})
			<-saved
			increment(w, r)
		})
		synctest.Wait()
		go ask(m, b, "next", increment)
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		close(commit)
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		close(release)
		synctest.Wait()

		want := []string{
			"doubtful stored", "in line overtaken", "in line stored",
			"next overtaken", "next stored", "doubtful overtaken",
		}
		if diff := cmp.Diff(want, store.log); diff != "" {
			t.Errorf("updates (-want +got):\n%s", diff)
		}
		if got := b.read(m).Count; got != 3 {
			t.Errorf("count %d, want 3", got)
		}
	})
}

// TestALineDoesNotOutlastItsTime has a handler that saves, in the middle of a
// transaction which is in line, the same session by another request.
func TestALineDoesNotOutlastItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &crossing{Store: memory.New()}
		m := newManager(t, store)
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
