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
	sh.show(w, r, http.StatusOK, "login", "Sign in", loginPage{Next: wanted(r)})
}

func (sh *shop) login(w http.ResponseWriter, r *http.Request) {
	name, next := r.PostFormValue("name"), wanted(r)
	user, ok := sh.users.authenticate(name, r.PostFormValue("password"))
	if !ok {
		// One message for both, so that it does not tell who has an account.
		sh.show(w, r, http.StatusUnprocessableEntity, "login", "Sign in",
			loginPage{Name: name, Next: next, Problem: "Name and password do not match. Please try again."})
		return
	}
	s := session.From[State](r.Context())
	remember := r.PostFormValue("remember") != ""
	s.Login(func(st *State) {
		if st.UserID != "" && st.UserID != user.ID {
			*st = State{} // nothing of one person's session passes to another
		}
		// The cart of the anonymous visitor stays. Their secret does not: Login
		// renews it, also when the Subject is the same as before.
		st.UserID = user.ID
		st.Remember = remember
		st.Flash = "Welcome, " + user.Name + "."
	})
	s.SetPersistent(remember)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (sh *shop) logout(w http.ResponseWriter, r *http.Request) {
	s := session.From[State](r.Context())
	s.Destroy()
	// This starts a new session, under a new ID, that holds only the message.
	s.Update(func(st *State) { st.Flash = "You have signed out." })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// wanted returns the page that a visitor wanted to see and had to sign in for, or
// to confirm the password. A page or a form that asks for that names it as next.
// That could lead to another site, so it is followed only if it is a page that
// sends visitors to sign in.
func wanted(r *http.Request) string {
	next := r.URL.Path
	switch next {
	case "/login", "/confirm":
		next = r.FormValue("next")
	case "/delivery": // a form on the check-out page, like the following
		next = "/checkout"
	case "/account/device", "/account/others":
		next = "/account"
	}
	switch next {
	case "/checkout", "/account", "/account/password", "/clock":
		return next
	}
	return "/"
}

// askLogin sends a visitor to sign in, and afterwards back to the page that they
// wanted.
func (sh *shop) askLogin(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/login?next="+wanted(r), http.StatusSeeOther)
}

// userHandler is a handler for visitors who have signed in.
type userHandler func(http.ResponseWriter, *http.Request, *session.Session[State], User)

// member returns a handler that calls h if the visitor has signed in, and
// otherwise sends the visitor to do so.
func (sh *shop) member(h userHandler) http.Handler {
	return sh.sessions.RequireSubject(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From[State](r.Context())
		user, ok := sh.users.byID(s.State().UserID)
		if !ok { // the account was deleted
			sh.askLogin(w, r)
			return
		}
		h(w, r, s, user)
	}))
}

// fresh returns a handler that calls h if the visitor has given the password
// within freshFor, and otherwise asks for it.
func (sh *shop) fresh(h userHandler) http.Handler {
	recent := sh.sessions.RequireRecentLogin(freshFor, sh.member(h))
	// Outside, because a visitor who has not signed in must do that instead.
	return sh.sessions.RequireSubject(recent)
}
