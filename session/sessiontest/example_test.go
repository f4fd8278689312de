package sessiontest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/session/sessiontest"
	"github.com/typedsession/typedsession/store/memory"
)

func newShop() *session.Manager[state] {
	m, err := session.NewManager(memory.New(), session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *state) string { return s.User },
	})
	if err != nil {
		panic(err)
	}
	return m
}

func ExampleRequest() {
	t := &testing.T{} // yours
	m := newShop()
	hello := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello,", m.From(r.Context()).State().User)
	}))

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	hello.ServeHTTP(w, sessiontest.Request(t, m, r, state{User: "alice"}))
	fmt.Print(w.Body)
	// Output: hello, alice
}

func ExampleContext() {
	t := &testing.T{} // yours
	m := newShop()
	greet := func(ctx context.Context) string { return "hello, " + m.From(ctx).State().User }

	ctx := sessiontest.Context(context.Background(), t, m, state{User: "alice"}) // t.Context() in a test
	fmt.Println(greet(ctx))
	// Output: hello, alice
}

func ExampleDetectMutation() {
	t := &printingT{} // yours
	m := newShop()
	mux := http.NewServeMux()
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		m.From(r.Context()).State().Items["tea"]++ // should be in an Update
	})
	handler := m.Wrap(sessiontest.DetectMutation(t, m, mux))

	r := httptest.NewRequest(http.MethodGet, "/add", nil)
	handler.ServeHTTP(httptest.NewRecorder(), sessiontest.Request(t, m, r, state{Items: map[string]int{"tea": 1}}))
	// Output: sessiontest: GET /add changed the session's state in place; use Update
}

func ExampleRoundTrip() {
	t := &testing.T{} // yours
	sessiontest.RoundTrip(t, codec.MsgPack[state](),
		state{},
		state{User: "alice", Items: map[string]int{"tea": 1}, Tags: []string{"new"}},
	)
	fmt.Println("a state is lost:", t.Failed())
	// Output: a state is lost: false
}

// printingT prints failures, for examples.
type printingT struct{ testing.TB }

func (*printingT) Helper()                           {}
func (*printingT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
