package session_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

func ExampleManager_RequireSubject() {
	manager := newExample(func(cfg *session.Config[Visit]) {
		cfg.LoginHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, "the login form")
		})
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.Handle("/account", manager.RequireSubject(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the account of", manager.From(r.Context()).State().UserID)
	})))

	browse(manager.Wrap(mux), "/account", "/login", "/account")
	// Output:
	// the login form
	// the account of alice
}

func ExampleManager_RequireRecentLogin() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.Handle("/password", manager.RequireRecentLogin(5*time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "choose a new password")
	})))

	browse(manager.Wrap(mux), "/password", "/login", "/password")
	// Output:
	// Please log in again.
	// choose a new password
}
