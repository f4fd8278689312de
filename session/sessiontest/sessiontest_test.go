package sessiontest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/session/sessiontest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

type state struct {
	User  string
	Items map[string]int
	Tags  []string
}

func newManager(t testing.TB, st store.Store, transport session.Transport) *session.Manager[state] {
	t.Helper()
	m, err := session.NewManager(st, session.Config[state]{
		Keys:      []session.Key{session.NewKey()},
		Subject:   session.Anonymous[state],
		Cookie:    session.Cookie{MaxChunks: 3},
		Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRequestCarriesTheState(t *testing.T) {
	tests := []struct {
		name      string
		store     store.Store
		transport session.Transport
		user      string
	}{
		{"in the cookie, held in memory", memory.New(), session.Transport{}, "alice"},
		{"in the cookie, held by the client", cookie.New(), session.Transport{}, "alice"},
		{"in several cookies", cookie.New(), session.Transport{}, strings.Repeat("long", 2000)},
		{"in a header", memory.New(), session.Header("Session-Token"), "alice"},
		{"as bearer credentials", memory.New(), session.Bearer(), "alice"},
		{"the initial state needs no token", memory.New(), session.Transport{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, test.store, test.transport)
			r := sessiontest.Request(t, m, httptest.NewRequest(http.MethodGet, "/", nil), state{User: test.user})
			got, isNew := "", false
			m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[state]) {
				got, isNew = s.State().User, s.IsNew()
			}).ServeHTTP(httptest.NewRecorder(), r)
			if got != test.user || isNew != (test.user == "") {
				t.Errorf("the handler found user %.10q, new %v; want %.10q", got, isNew, test.user)
			}
		})
	}
}

func TestContextCarriesALiveSession(t *testing.T) {
	m, err := session.NewManager(memory.New(), session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *state) string { return s.User },
	})
	if err != nil {
		t.Fatal(err)
	}
	type key struct{}
	ctx := sessiontest.Context(context.WithValue(t.Context(), key{}, "kept"), t, m, state{User: "alice"})
	if ctx.Value(key{}) != "kept" {
		t.Error("a value of the parent context is lost")
	}
	s := session.From[state](ctx)
	if s != m.From(ctx) {
		t.Error("From and Manager.From return different sessions")
	}
	if s.IsNew() || s.State().User != "alice" || s.AuthenticatedAt().IsZero() {
		t.Fatalf("session of %+v, new %v, authenticated at %v; want alice's, stored", s.State(), s.IsNew(), s.AuthenticatedAt())
	}
	s.Update(func(st *state) { st.Items = map[string]int{"tea": 1} })
	err = s.Transact(ctx, func(st *state) error {
		st.Items["tea"]++
		return nil
	})
	if got := s.State().Items["tea"]; err != nil || got != 2 {
		t.Errorf("after an update and a transaction: %d, %v; want 2", got, err)
	}
	infos, err := m.Sessions(ctx, "alice")
	if err != nil || len(infos) != 1 || infos[0].ID != s.ID() {
		t.Errorf("the manager lists %v, %v; want the session of the context", infos, err)
	}
}

func TestContextIsCancelledWithItsParent(t *testing.T) {
	m := newManager(t, memory.New(), session.Transport{})
	parent, cancel := context.WithCancel(t.Context())
	ctx := sessiontest.Context(parent, t, m, state{User: "alice"})
	cancel()
	if ctx.Err() == nil {
		t.Error("the context outlives its parent")
	}
}

// recordingT is a testing.TB that keeps errors instead of failing.
type recordingT struct {
	testing.TB
	errors []string
}

func (t *recordingT) Helper() {}
func (t *recordingT) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

func (t *recordingT) Fatalf(format string, args ...any) { t.Errorf(format, args...) }

// items returns so many that their order is hardly ever the same twice.
func items() map[string]int {
	return map[string]int{"apple": 1, "fig": 2, "kiwi": 3, "lime": 4, "nut": 5, "plum": 6, "quince": 7, "sloe": 8}
}

func TestDetectMutation(t *testing.T) {
	inPlace := func(s *session.Session[state]) { s.State().Items["pear"]++ }
	update := func(s *session.Session[state]) {
		s.Update(func(st *state) {
			st.User = "bob"
			st.Items["apple"]++
		})
	}
	write := func(w http.ResponseWriter) { fmt.Fprint(w, "done") }
	tests := []struct {
		name    string
		handler func(w http.ResponseWriter, s *session.Session[state])
		found   bool
	}{
		{"reading is fine", func(w http.ResponseWriter, s *session.Session[state]) { _ = s.State(); write(w) }, false},
		{"an update is fine", func(w http.ResponseWriter, s *session.Session[state]) { update(s); write(w) }, false},
		{"an update without a response is fine", func(_ http.ResponseWriter, s *session.Session[state]) { update(s) }, false},
		{"a changed map is found", func(w http.ResponseWriter, s *session.Session[state]) { inPlace(s); write(w) }, true},
		{"so it is without a response", func(_ http.ResponseWriter, s *session.Session[state]) { inPlace(s) }, true},
		{"and after the response has begun", func(w http.ResponseWriter, s *session.Session[state]) { write(w); inPlace(s) }, true},
		{"and beside an update, with which it would be saved by accident", func(w http.ResponseWriter, s *session.Session[state]) { update(s); inPlace(s); write(w) }, true},
		{"a changed slice element is found", func(w http.ResponseWriter, s *session.Session[state]) { s.State().Tags[0] = "x"; write(w) }, true},
		{"a destroyed session has no state to compare", func(w http.ResponseWriter, s *session.Session[state]) { s.Destroy(); write(w) }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newManager(t, memory.New(), session.Transport{})
			fake := &recordingT{TB: t}
			handler := m.Wrap(sessiontest.DetectMutation(fake, m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.handler(w, session.From[state](r.Context()))
			})))
			r := sessiontest.Request(t, m, httptest.NewRequest(http.MethodGet, "/", nil),
				state{User: "alice", Items: items(), Tags: []string{"a"}})
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if found := len(fake.errors) > 0; found != test.found {
				t.Errorf("found a change in place: %v, want %v: %q", found, test.found, fake.errors)
			}
		})
	}
}

func TestContextEndsWithTheTest(t *testing.T) {
	m := newManager(t, memory.New(), session.Transport{})
	var ctx context.Context
	t.Run("inner", func(t *testing.T) { ctx = sessiontest.Context(t.Context(), t, m, state{User: "alice"}) })
	err := session.From[state](ctx).Save(ctx)
	if !errors.Is(err, session.ErrCommitted) {
		t.Errorf("saved after the test has ended: %v, want ErrCommitted", err)
	}
}

func TestDetectMutationNeedsMsgPack(t *testing.T) {
	type held struct{ Role fmt.Stringer }
	m, err := session.NewManager(memory.New(), session.Config[held]{
		Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[held], Codec: codec.Gob[held](),
	})
	if err != nil {
		t.Fatal(err)
	}
	fake := &recordingT{TB: t}
	sessiontest.DetectMutation(fake, m, http.NotFoundHandler())
	if len(fake.errors) != 1 || !strings.Contains(fake.errors[0], "MsgPack") {
		t.Errorf("errors %q, want one that names MsgPack", fake.errors)
	}
}
