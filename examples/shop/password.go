package main

import (
	"net/http"
	"unicode/utf8"

	"github.com/typedsession/typedsession/session"
)

// passwordPage is what the page for a new password shows.
type passwordPage struct {
	Name    string // of the user, for the browser's password manager
	Min     int
	Problem string
}

// minPassword is how many characters a new password has at least.
const minPassword = 8

func (sh *shop) showPassword(w http.ResponseWriter, r *http.Request, _ *session.Session[State], user User) {
	sh.showPasswordWith(w, r, http.StatusOK, user, "")
}

func (sh *shop) showPasswordWith(w http.ResponseWriter, r *http.Request, code int, user User, problem string) {
	sh.show(w, r, code, "password", "Change password", passwordPage{user.Name, minPassword, problem})
}

// changePassword changes the password, and ends every other session of the user:
// one of them may be why they change it. It is reached with a fresh login only,
// so that an attacker with a stolen cookie cannot take the account over.
func (sh *shop) changePassword(w http.ResponseWriter, r *http.Request, s *session.Session[State], user User) {
	given := r.PostFormValue("password")
	switch {
	case utf8.RuneCountInString(given) < minPassword:
		sh.showPasswordWith(w, r, http.StatusUnprocessableEntity, user, "That is too short. Please take eight characters or more.")
		return
	case given != r.PostFormValue("again"):
		sh.showPasswordWith(w, r, http.StatusUnprocessableEntity, user, "The two are not the same. Please type it again.")
		return
	}
	p, err := newPassword(given, user.password.rounds)
	if err != nil {
		sh.sessionError(w, r, err)
		return
	}
	// First the password, then the sessions: the other way round, an attacker
	// with the old password could sign in between the two, and stay. RevokeOthers
	// also refuses a login that checked the old password and is not stored yet.
	sh.users.setPassword(user.ID, p)
	n, err := s.RevokeOthers(r.Context())
	if err != nil {
		sh.refuse(w, http.StatusServiceUnavailable, "Your password is changed",
			"Your other devices could not be signed out just now. Please do that from your account.", "/account")
		return
	}
	s.Renew() // a copy of this session's own cookie is worthless from now on, too
	s.Update(func(st *State) { st.Flash = "Your password is changed. " + othersSignedOut(n) })
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}
