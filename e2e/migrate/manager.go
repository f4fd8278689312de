package migrate

import (
	"errors"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// FromManager takes over the sessions of another Manager: of one whose store,
// state or cookie is not wanted any more. lifetime is its AbsoluteTimeout.
//
// Two Managers are needed, rather than one whose store looks in two places: only
// within one store is a write conditional, and an ended session sure not to come
// back. Their cookies must not have the same name.
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
