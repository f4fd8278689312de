package migrate

import (
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/session/migrate"
	"github.com/typedsession/typedsession/store"
)

// FromGorilla adopts the sessions of a gorilla CookieStore.
//
// Only sessions that have a user are adopted. Without an encryption key a cookie
// is made of its values and the second in which it was saved. So two visitors who
// put the same thing into their carts may have the same cookie, and would share
// a session. In the same way two browsers of one user may share a session.
//
// lifetime is how long the store accepts a cookie: the argument of the last call
// of MaxAge, or 30 days if it was never called. Options.MaxAge is for the browser
// and does not limit it. After MaxAge(0) a cookie never expires: choose when to
// refuse it.
//
// If the old store holds its sessions on the server, Read must distinguish the
// error of an invalid cookie from that of a store that did not answer, and End
// must delete the session there.
func FromGorilla(m *session.Manager[State], marks store.Store, old *sessions.CookieStore, name string, lifetime time.Duration) *migrate.Adopter[State] {
	return &migrate.Adopter[State]{
		Manager:  m,
		Marks:    marks,
		Cookie:   name,
		Lifetime: lifetime,
		Read: func(r *http.Request) (func(*session.Session[State]), error) {
			s, err := old.New(r, name) // not Get, which changes r
			if err != nil {
				return nil, nil //nolint:nilerr // forged or expired: no session
			}
			user, _ := s.Values["userID"].(string)
			if user == "" {
				return nil, nil
			}
			cart, _ := s.Values["cart"].([]string)
			return carry(State{UserID: user, Cart: cart}, old.Options.MaxAge > 0), nil
		},
		End: migrate.ExpireCookie(http.Cookie{
			Name: name, Path: old.Options.Path, Domain: old.Options.Domain,
			Secure: old.Options.Secure, HttpOnly: old.Options.HttpOnly, SameSite: old.Options.SameSite,
			Partitioned: old.Options.Partitioned,
		}),
	}
}
