package migrate

import (
	"errors"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// FromManager adopts the sessions of another Manager, whose store, state or cookie
// is to be replaced. lifetime is its AbsoluteTimeout.
//
// This takes two Managers, rather than one whose store looks in two places: a
// write is conditional within one store only, and only there an ended session
// cannot come back. Their cookies must have different names.
func FromManager[Old any](
	m *session.Manager[State], marks store.Store,
	old *session.Manager[Old], cookie string, lifetime time.Duration,
	convert func(Old) (state State, persistent bool),
) *Adopter[State] {
	return &Adopter[State]{
		Manager:  m,
		Marks:    marks,
		Cookie:   cookie,
		Lifetime: lifetime,
		Read: func(r *http.Request) (func(*session.Session[State]), error) {
			s, err := old.LoadToken(r.Context(), value(r, cookie))
			switch {
			case errors.Is(err, session.ErrNotFound):
				return nil, nil
			case err != nil:
				return nil, err
			}
			return carry(convert(s.State())), nil
		},
		End: func(w http.ResponseWriter, r *http.Request) error {
			answer := ask(old.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				old.From(r.Context()).Destroy()
			})), r)
			if answer.code != 0 {
				return &refusal{answer}
			}
			for _, line := range answer.header["Set-Cookie"] {
				w.Header().Add("Set-Cookie", line)
			}
			return nil
		},
	}
}
