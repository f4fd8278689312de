package migrate

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// FromSCS adopts the sessions of an scs.SessionManager, which must no longer be
// mounted: with an IdleTimeout, LoadAndSave writes every session that it has
// loaded, also if another request has destroyed the session since.
func FromSCS(m *session.Manager[State], marks store.Store, old *scs.SessionManager) *Adopter[State] {
	return &Adopter[State]{
		Manager:  m,
		Marks:    marks,
		Cookie:   old.Cookie.Name,
		Lifetime: old.Lifetime,
		Read: func(r *http.Request) (func(*session.Session[State]), error) {
			ctx, err := old.Load(r.Context(), value(r, old.Cookie.Name))
			if err != nil {
				return nil, err
			}
			cart, _ := old.Get(ctx, "cart").([]string)
			return carry(
				State{UserID: old.GetString(ctx, "userID"), Cart: cart},
				old.Cookie.Persist || old.GetBool(ctx, "__rememberMe"), // what RememberMe sets
			), nil
		},
		End: func(w http.ResponseWriter, r *http.Request) error {
			ctx, err := old.Load(r.Context(), value(r, old.Cookie.Name))
			if err != nil {
				return err
			}
			if err := old.Destroy(ctx); err != nil {
				return err
			}
			old.WriteSessionCookie(ctx, w, "", time.Time{})
			return nil
		},
	}
}

// value returns the value of a cookie, or "" if there is none.
func value(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
