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

// confirm takes the name from the form and not from the session. If the form is
// sent twice, the browser drops the first response, and with it the cookie of
// the renewed secret. The second request may then have no session any more: it
// logs in by itself, and so joins the session.
func (sh *shop) confirm(w http.ResponseWriter, r *http.Request) {
	name, next := r.PostFormValue("name"), wanted(r)
	s := session.From[State](r.Context())
	user, ok := sh.users.authenticate(name, r.PostFormValue("password"))
	id := s.State().UserID
	if !ok && id == "" {
		sh.askLogin(w, r)
		return
	}
	if !ok || id != "" && id != user.ID {
		sh.show(w, r, http.StatusUnprocessableEntity, "confirm", "Is it you?",
			confirmPage{Name: name, Next: next, Problem: "That is not your password. Please try again."})
		return
	}
	// The secret is renewed too, since the session may do more from now on.
	s.Login(func(st *State) { st.UserID = user.ID })
	http.Redirect(w, r, next, http.StatusSeeOther)
}
