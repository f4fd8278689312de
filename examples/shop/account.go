package main

import (
	"net/http"

	"github.com/typedsession/typedsession/session"
)

// loginPage is what the sign-in page shows.
type loginPage struct {
	Name    string // as it was entered
	Next    string // where to go afterwards
	Problem string
}

func (sh *shop) showLogin(w http.ResponseWriter, r *http.Request) {
	sh.show(w, r, http.StatusOK, "login", "Sign in", loginPage{Next: r.URL.Query().Get("next")})
}

func (sh *shop) login(w http.ResponseWriter, r *http.Request) {
	name, next := r.PostFormValue("name"), r.PostFormValue("next")
	user, ok := authenticate(name, r.PostFormValue("password"))
	if !ok {
		// One message for both, so that it does not tell who has an account.
		sh.show(w, r, http.StatusUnprocessableEntity, "login", "Sign in",
			loginPage{Name: name, Next: next, Problem: "Name and password do not match. Please try again."})
		return
	}
	s := session.From[State](r.Context())
	remember := r.PostFormValue("remember") != ""
	s.Update(func(st *State) {
		if st.UserID != "" && st.UserID != user.ID {
			*st = State{} // nothing of one person's session passes to another
		}
		// The cart of the anonymous visitor stays. Their secret does not: the
		// Subject changes here, so the session's secret is renewed by itself.
		st.UserID = user.ID
		st.Remember = remember
		st.Flash = "Welcome, " + user.Name + "."
	})
	s.SetPersistent(remember)
	// An address from a form could lead to another site: take a word for it.
	if next == "checkout" {
		http.Redirect(w, r, "/checkout", http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (sh *shop) logout(w http.ResponseWriter, r *http.Request) {
	s := session.From[State](r.Context())
	s.Destroy()
	// This starts a new session, under a new ID, that holds only the message.
	s.Update(func(st *State) { st.Flash = "You have signed out." })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
