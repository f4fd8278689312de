package migrate

import (
	"context"

	"github.com/alexedwards/scs/v2"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/session/migrate"
	"github.com/typedsession/typedsession/store"
)

// FromSCS adopts the sessions of an scs.SessionManager.
func FromSCS(m *session.Manager[State], marks store.Store, old *scs.SessionManager) *migrate.Adopter[State] {
	read := func(ctx context.Context) func(*session.Session[State]) {
		cart, _ := old.Get(ctx, "cart").([]string)
		remember := old.Cookie.Persist || old.GetBool(ctx, "__rememberMe") // what RememberMe sets
		return carry(State{UserID: old.GetString(ctx, "userID"), Cart: cart}, remember)
	}
	return migrate.FromSCS(m, marks, old, old.Cookie.Name, old.Lifetime, read)
}
