package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// deadlineStore is a store that returns when its context is done, and fails the test
// for a write without a deadline.
type deadlineStore struct {
	*journalStore
	t    *testing.T
	hang bool // until the context ends
}

func (st *deadlineStore) checkContext(ctx context.Context) error {
	if st.hang {
		<-ctx.Done()
	}
	if _, ok := ctx.Deadline(); !ok {
		st.t.Error("a write without a deadline")
	}
	return ctx.Err()
}

func (st *deadlineStore) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	return st.journalStore.Load(ctx, id)
}

func (st *deadlineStore) Create(ctx context.Context, rec store.Record) error {
	if err := st.checkContext(ctx); err != nil {
		return err
	}
	return st.journalStore.Create(ctx, rec)
}

func (st *deadlineStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	if err := st.checkContext(ctx); err != nil {
		return err
	}
	return st.journalStore.Update(ctx, base, rec)
}

func (st *deadlineStore) Delete(ctx context.Context, id store.ID) error {
	if err := st.checkContext(ctx); err != nil {
		return err
	}
	return st.journalStore.Delete(ctx, id)
}

// A commit is completed although the client has gone.
func TestCommit4ClientGone(t *testing.T) {
	tests := map[string]struct {
		act  http.HandlerFunc
		want string // of the store
	}{
		"update": {increment, "update"},
		"login":  {login, "update"},
		"logout": {func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }, "delete"},
		"logout with a message": {func(_ http.ResponseWriter, r *http.Request) {
			s := from(r)
			s.Destroy()
			s.Update(func(s *state) { s.Note = "bye" })
		}, "delete create"},
		"new session": {increment, "create"},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for name, test := range tests {
			for _, late := range []bool{false, true} { // late: the session is not used before
				t.Run(fmt.Sprintf("%s/late=%v", name, late), func(t *testing.T) {
					st := &deadlineStore{journalStore: newJournalStore(), t: t}
					m := newManager(t, st)
					reached, done := make(chan struct{}), make(chan struct{})
					wrapped := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/begin" {
							increment(w, r)
							return
						}
						if !late {
							test.act(w, r)
						}
						close(reached)
						<-r.Context().Done()
						if late {
							test.act(w, r)
						}
						if err := r.Context().Err(); !errors.Is(err, context.Canceled) {
							t.Errorf("the request's context: %v", err)
						}
						fmt.Fprint(w, "too late")
					}))
					s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if name == "new session" {
							r.Header.Del("Cookie")
						}
						wrapped.ServeHTTP(w, r)
						if r.URL.Path != "/begin" {
							close(done)
						}
					}))
					s.get("/begin")
					st.ops()
					ctx, hangUp := context.WithCancel(t.Context())
					go func() {
						<-reached
						hangUp()
					}()
					response, err := s.client.Do(s.request(http.MethodGet, "/", nil).WithContext(ctx))
					if err == nil { // the answer has overtaken the hanging up
						response.Body.Close()
					}
					<-done
					if got := strings.TrimPrefix(st.ops(), "load "); got != test.want {
						t.Errorf("the store was asked for %q, want %q", got, test.want)
					}
				})
			}
		}
	})
}

// A load outlives the request, but not a context that the caller made for it.
func TestLoadEndsWithTheCallersContext(t *testing.T) {
	m := newManager(t, &deadlineStore{journalStore: newJournalStore(), t: t})
	b := newBrowser(t, nil)
	b.do(m, increment)
	b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if _, err := session.Load[state](ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Load returns %v", err)
		}
	})
}

// TestShortContextSpoilsNoLaterLoad: an optional part of a page gives up loading the
// session after a short time. The page itself loads it.
func TestShortContextSpoilsNoLaterLoad(t *testing.T) {
	for name, use := range map[string]func(*http.Request) error{
		"by Load": func(r *http.Request) error { _, err := session.Load[state](r.Context()); return err },
		"by From": func(r *http.Request) error { return from(r).Err() },
	} {
		m := newManager(t, &deadlineStore{journalStore: newJournalStore(), t: t})
		b := newBrowser(t, nil)
		b.do(m, login)
		response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			short, cancel := context.WithCancel(r.Context())
			cancel()
			if s, err := session.Load[state](short); !errors.Is(err, context.Canceled) || s.State().User != "" {
				t.Errorf("%s: Load returns %v", name, err)
			}
			if err := use(r); err != nil || from(r).State().User != "alice" {
				t.Errorf("%s: %v, state %+v", name, err, from(r).State())
			}
			from(r).Update(count)
		})
		if got := b.read(m); response.StatusCode != http.StatusOK || got.Count != 1 || got.User != "alice" {
			t.Errorf("%s: status %d, state %+v", name, response.StatusCode, got)
		}
	}
}

// Whoever set the deadline has answered by now, and said that nothing came of
// the request. So nothing must, except that a logout is never taken back.
func TestCommit4DeadlineEndedCommitsOnlyADestroy(t *testing.T) {
	tests := []struct {
		name     string
		act      http.HandlerFunc
		want     string // of the store
		reported bool
	}{
		{"update", increment, "load", true},
		{"login", login, "load", true},
		{"renew", func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() }, "load", true},
		{"persist", func(_ http.ResponseWriter, r *http.Request) { from(r).SetPersistent(true) }, "load", true},
		{"read", func(_ http.ResponseWriter, r *http.Request) { from(r) }, "load", false},
		{"destroy", func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() }, "load delete", false},
		{"destroy and begin a new session", func(w http.ResponseWriter, r *http.Request) {
			from(r).Destroy()
			increment(w, r)
		}, "load delete", true},
		{"begin", increment, "", true},
	}
	for _, test := range tests {
		for _, late := range []bool{false, true} { // late: the response has begun before
			t.Run(fmt.Sprintf("%s/late=%v", test.name, late), func(t *testing.T) {
				st := &deadlineStore{journalStore: newJournalStore(), t: t}
				var ev recordingObserver
				m := newManager(t, st, ev.observed)
				b := newBrowser(t, nil)
				b.do(m, increment)
				st.ops()
				ev.failures()
				ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
				defer cancel()
				w := httptest.NewRecorder()
				request := b.request("/").WithContext(ctx)
				if test.name == "begin" {
					request.Header.Del("Cookie")
				}
				m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if late {
						w.WriteHeader(http.StatusOK)
					}
					test.act(w, r)
				})).ServeHTTP(w, request)
				if got := st.ops(); got != test.want {
					t.Errorf("the store was asked for %q, want %q", got, test.want)
				}
				reported := false
				for _, err := range ev.failures() {
					reported = reported || errors.Is(err, context.DeadlineExceeded)
				}
				if reported != test.reported {
					t.Errorf("the lost change is reported: %v, want %v", reported, test.reported)
				}
				if test.reported && !late && w.Code == http.StatusOK {
					t.Error("the answer is a success")
				}
			})
		}
	}
}

// A store that hangs must not hold the request for ever, although the commit
// does not end with the request.
func TestCommit4HasADeadlineOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &deadlineStore{journalStore: newJournalStore(), t: t, hang: true}
		m := newManager(t, st)
		start := time.Now()
		got := newBrowser(t, nil).do(m, increment)
		if got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("answer: %s", got.Status)
		}
		if took := time.Since(start); took < time.Second || took > time.Minute {
			t.Errorf("the commit gave up after %v", took)
		}
	})
}

// The values of the request's context, a trace for instance, reach the store.
func TestCommit4KeepsTheValuesOfTheContext(t *testing.T) {
	type key struct{}
	var seen any
	st := contextRecordingStore{newSpyStore(), func(ctx context.Context) { seen = ctx.Value(key{}) }}
	m := newManager(t, st)
	r := newBrowser(t, nil).request("/")
	m.Wrap(http.HandlerFunc(increment)).ServeHTTP(httptest.NewRecorder(),
		r.WithContext(context.WithValue(r.Context(), key{}, "trace")))
	if seen != "trace" {
		t.Errorf("the store sees %v, want trace", seen)
	}
}

// contextRecordingStore is a store that shows the context of a Create.
type contextRecordingStore struct {
	store.Store
	see func(context.Context)
}

func (st contextRecordingStore) Create(ctx context.Context, rec store.Record) error {
	st.see(ctx)
	return st.Store.Create(ctx, rec)
}
