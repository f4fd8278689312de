package main

import (
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

// freshFor is how long after a password was given one may do what a stolen
// session must not. It is short, so that a visitor who tries the shop
// meets the question; five or ten minutes would annoy less.
const freshFor = time.Minute

// confirmPage is what the page shows that asks for the password again.
type confirmPage struct {
	Name    string // of the user, for the browser's password manager
	Next    string // where to go afterwards
	Problem string
}

// askPassword answers instead of a page that wants a fresh login.
func (sh *shop) askPassword(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/confirm?next="+wanted(r), http.StatusSeeOther)
}

func (sh *shop) showConfirm(w http.ResponseWriter, r *http.Request, _ *session.Session[State], user User) {
	sh.show(w, r, http.StatusOK, "confirm", "Is it you?", confirmPage{Name: user.Name, Next: wanted(r)})
}

func (sh *shop) confirm(w http.ResponseWriter, r *http.Request, s *session.Session[State], user User) {
	next := wanted(r)
	if !user.password.matches(r.PostFormValue("password")) {
		sh.show(w, r, http.StatusUnprocessableEntity, "confirm", "Is it you?",
			confirmPage{Name: user.Name, Next: next, Problem: "That is not your password. Please try again."})
		return
	}
	s.Login(nil) // renews the secret too, since the session may do more from now on
	http.Redirect(w, r, next, http.StatusSeeOther)
}
