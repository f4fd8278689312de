package main

import (
	"net/http"
	"time"
)

// freshFor is how long after a password was given one may do what a stolen
// session must not. It is short, so that the question can be met while one tries
// the shop; five or ten minutes would annoy less.
const freshFor = time.Minute

// confirmPage is what the page shows that asks for the password again.
type confirmPage struct {
	Name    string // of the user, for the browser's password manager
	Next    string // where to go afterwards
	Problem string
}

// stale answers instead of a page that wants a fresh login.
func (sh *shop) stale(w http.ResponseWriter, r *http.Request) {
	next := returnTo(r.URL.Path)
	if _, _, ok := sh.signedIn(w, r, next); ok {
		http.Redirect(w, r, "/confirm?next="+next, http.StatusSeeOther)
	}
}

func (sh *shop) showConfirm(w http.ResponseWriter, r *http.Request) {
	next := returnTo(r.URL.Query().Get("next"))
	if _, user, ok := sh.signedIn(w, r, next); ok {
		sh.show(w, r, http.StatusOK, "confirm", "Is it you?", confirmPage{Name: user.Name, Next: next})
	}
}

func (sh *shop) confirm(w http.ResponseWriter, r *http.Request) {
	next := returnTo(r.PostFormValue("next"))
	s, user, ok := sh.signedIn(w, r, next)
	if !ok {
		return
	}
	if !user.password.matches(r.PostFormValue("password")) {
		sh.show(w, r, http.StatusUnprocessableEntity, "confirm", "Is it you?",
			confirmPage{Name: user.Name, Next: next, Problem: "That is not your password. Please try again."})
		return
	}
	s.Login(nil) // and the secret is renewed, since this raises what it opens
	http.Redirect(w, r, next, http.StatusSeeOther)
}
