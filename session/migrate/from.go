package migrate

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// FromManager returns an [Adopter] of the sessions of another Manager, whose
// store, state or cookie is to be replaced. cookie is the name of its cookie, and
// lifetime its AbsoluteTimeout. The cookies of the two must have different names.
// To rename the cookie only, use [session.Cookie.FormerNames] instead.
//
// carry returns the function that copies an old state into a new session, or nil
// if there is nothing worth copying.
//
// It takes two Managers, rather than one whose store looks in two places: a write
// is conditional within one store only, and only there an ended session cannot
// come back.
func FromManager[Old, T any](
	m *session.Manager[T], marks store.Store,
	old *session.Manager[Old], cookie string, lifetime time.Duration,
	carry func(Old) func(*session.Session[T]),
) *Adopter[T] {
	return &Adopter[T]{
		Manager:  m,
		Marks:    marks,
		Cookie:   cookie,
		Lifetime: lifetime,
		Read: func(r *http.Request) (func(*session.Session[T]), error) {
			s, err := old.LoadToken(r.Context(), value(r, cookie))
			switch {
			case errors.Is(err, session.ErrNotFound):
				return nil, nil
			case err != nil:
				return nil, err
			}
			return carry(s.State()), nil
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

// SCS is what [FromSCS] uses of an *scs.SessionManager.
type SCS interface {
	Load(ctx context.Context, token string) (context.Context, error)
	Destroy(ctx context.Context) error
	WriteSessionCookie(ctx context.Context, w http.ResponseWriter, token string, expiry time.Time)
}

// FromSCS returns an [Adopter] of the sessions of an scs.SessionManager, which
// must no longer be mounted: with an IdleTimeout, LoadAndSave writes every session
// that it has loaded, also if another request has destroyed the session since.
// cookie is its Cookie.Name, and lifetime its Lifetime.
//
// carry is called with a context from which the SessionManager reads. It returns
// the function that copies what it has read into a new session, or nil if there
// is nothing worth copying.
func FromSCS[T any](
	m *session.Manager[T], marks store.Store,
	old SCS, cookie string, lifetime time.Duration,
	carry func(context.Context) func(*session.Session[T]),
) *Adopter[T] {
	return &Adopter[T]{
		Manager:  m,
		Marks:    marks,
		Cookie:   cookie,
		Lifetime: lifetime,
		Read: func(r *http.Request) (func(*session.Session[T]), error) {
			ctx, err := old.Load(r.Context(), value(r, cookie))
			if err != nil {
				return nil, err
			}
			return carry(ctx), nil
		},
		End: func(w http.ResponseWriter, r *http.Request) error {
			ctx, err := old.Load(r.Context(), value(r, cookie))
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

// ExpireCookie returns an Adopter.End for sessions that the client holds, such as
// those of gorilla's CookieStore. It expires the client's own copy of the cookie;
// the mark makes every other copy worthless. Name, Path and Domain must be as the
// old program set them, or the browser keeps the cookie.
func ExpireCookie(old http.Cookie) func(http.ResponseWriter, *http.Request) error {
	old.Value, old.MaxAge, old.Expires = "", -1, time.Time{}
	return func(w http.ResponseWriter, _ *http.Request) error {
		http.SetCookie(w, &old)
		return nil
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
