package migrate

import (
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// FromGorilla takes over the sessions of a gorilla CookieStore. Nothing there
// can be ended but the client's own copy of the cookie; it is the mark that
// makes every other copy worthless.
//
// Only those of users are taken over. Without an encryption key a cookie is made
// of its values and the second in which it was saved, so that two strangers who
// put the same thing into their carts may have the same one, and would find each
// other's session. Likewise, two browsers of one user may come to share one.
//
// lifetime is how long the store accepts a cookie: what MaxAge was last called
// with, or 30 days where it never was. Options.MaxAge alone does not tell, it is
// for the browser. After MaxAge(0) a cookie never ends: choose when to refuse it.
//
// For a store that holds its sessions on the server, Read must tell the error
// of a cookie that is not good from that of a store that did not answer.
func FromGorilla(m *session.Manager[State], marks store.Store, old *sessions.CookieStore, name string, lifetime time.Duration) *Adopter[State] {
	return &Adopter[State]{
		Manager:  m,
		Marks:    marks,
		Cookie:   name,
		Lifetime: lifetime,
		Read: func(r *http.Request) (func(*session.Session[State]), error) {
			s, err := old.New(r, name) // not Get, which changes r
			if err != nil {
				return nil, nil //nolint:nilerr // forged, or expired: nobody's
			}
			user, _ := s.Values["userID"].(string)
			if user == "" {
				return nil, nil
			}
			cart, _ := s.Values["cart"].([]string)
			return carry(State{UserID: user, Cart: cart}, old.Options.MaxAge > 0), nil
		},
		End: func(w http.ResponseWriter, r *http.Request) error {
			s := sessions.NewSession(old, name) // empty: even an expired cookie has a value
			options := *old.Options
			options.MaxAge = -1
			s.Options = &options
			return s.Save(r, w)
		},
	}
}
