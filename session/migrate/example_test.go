package migrate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/session/migrate"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// A program that kept its sessions in cookies keeps them on the server from now
// on. Users who have a cookie stay logged in.
func ExampleFromManager() {
	type OldState struct{ Name string }
	type State struct{ UserID string }
	keys := []session.Key{session.NewKey()}
	old, err := session.NewManager(cookie.New(), session.Config[OldState]{
		Keys:    keys,
		Subject: func(st *OldState) string { return st.Name },
		Cookie:  session.Cookie{Name: "__Host-old"},
	})
	if err != nil {
		panic(err)
	}
	store := memory.New()
	manager, err := session.NewManager(store, session.Config[State]{
		Keys:    keys,
		Subject: func(st *State) string { return st.UserID },
	})
	if err != nil {
		panic(err)
	}

	adopter := migrate.FromManager(manager, store, old, "__Host-old", 24*time.Hour,
		func(st OldState) func(*session.Session[State]) {
			if st.Name == "" {
				return nil
			}
			return func(s *session.Session[State]) {
				s.Update(func(new *State) { new.UserID = st.Name })
			}
		})
	handler := adopter.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s.", session.From[State](r.Context()).State().UserID)
	}))

	// Alice logged in before the switch.
	w := httptest.NewRecorder()
	old.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[OldState]) {
		s.Login(func(st *OldState) { st.Name = "Alice" })
	}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login", nil))

	// Now she comes back.
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", w.Header().Get("Set-Cookie"))
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Body)
	for _, line := range w.Header()["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s expired: %t\n", c.Name, c.MaxAge < 0)
	}
	// Output:
	// Hello, Alice.
	// __Host-old expired: true
	// __Host-session expired: false
}
