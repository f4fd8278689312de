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
	sh.show(w, r, http.StatusOK, "login", "Sign in", loginPage{Next: returnTo(r.URL.Query().Get("next"))})
}

func (sh *shop) login(w http.ResponseWriter, r *http.Request) {
	name, next := r.PostFormValue("name"), returnTo(r.PostFormValue("next"))
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

// returnTo returns where somebody goes who was sent to sign in first. What a
// form says of it could lead to another site, so it is followed only where it is
// one of the pages that send people to sign in.
func returnTo(next string) string {
	switch next {
	case "/checkout", "/account", "/account/password", "/clock":
		return next
	}
	return "/"
}

// signedIn returns the session and its user. Where nobody has signed in, it
// sends them to do so, and to next afterwards, and returns false.
func (sh *shop) signedIn(w http.ResponseWriter, r *http.Request, next string) (*session.Session[State], User, bool) {
	s := session.From[State](r.Context())
	user, ok := sh.users.byID(s.State().UserID)
	if !ok {
		http.Redirect(w, r, "/login?next="+next, http.StatusSeeOther)
	}
	return s, user, ok
}
