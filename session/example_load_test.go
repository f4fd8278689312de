package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// downStore is a store that does not answer.
type downStore struct{ store.Store }

func (downStore) Load(context.Context, store.ID) (store.Record, error) {
	return store.Record{}, errors.New("connection refused")
}

// The front page is served without a name when the store does not answer.
func ExampleLoad() {
	records := memory.New()
	cfg := session.Config[Visit]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(v *Visit) string { return v.UserID },
		Logger:  quiet,
	}
	manager, err := session.NewManager(records, cfg)
	if err != nil {
		panic(err)
	}
	broken, err := session.NewManager(downStore{records}, cfg)
	if err != nil {
		panic(err)
	}
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := session.Load[Visit](r.Context())
		if err != nil {
			fmt.Fprintln(w, "welcome;", errors.Is(err, session.ErrUnavailable))
			return
		}
		fmt.Fprintln(w, "welcome,", s.State().UserID)
	})
	mux := http.NewServeMux()
	mux.Handle("/login", manager.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[Visit]) {
		s.Login(func(v *Visit) { v.UserID = "alice" })
	}))
	mux.Handle("/", manager.Wrap(front))
	mux.Handle("/later", broken.Wrap(front))

	browse(mux, "/login", "/", "/later")
	// Output:
	// welcome, alice
	// welcome; true
}

// A helper that is used inside and outside of Wrap asks before it calls From.
func ExampleHas() {
	manager := newExample()
	userID := func(ctx context.Context) string {
		if !session.Has[Visit](ctx) {
			return "no session here"
		}
		return session.From[Visit](ctx).State().UserID
	}
	login := manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		s.Login(func(v *Visit) { v.UserID = "alice" })
		fmt.Fprintln(w, userID(r.Context()))
	})

	fmt.Println(userID(context.Background()))
	browse(login, "/")
	// Output:
	// no session here
	// alice
}
