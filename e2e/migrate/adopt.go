package migrate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

// Adopter is a Manager that takes over the sessions that visitors still have
// from before. All of its fields are required.
type Adopter[T any] struct {
	// Manager keeps the new sessions. Its cookie must not have the old one's
	// name. Leave MaxPerSubject out as long as there is an Adopter: of requests
	// at once several log in before all but one give way, and a limit would end
	// other sessions for them.
	Manager *session.Manager[T]

	// Marks holds a mark for each session that was taken over. It may be the
	// Manager's own store. It must hold its records, and not answer from a
	// cache.
	Marks session.Store

	// Cookie is the name of the old cookie.
	Cookie string

	// Lifetime is how long an old cookie can be good for, at the longest. Marks
	// are kept that long. As long after the switch, the Adopter can go.
	Lifetime time.Duration

	// Read looks at the old session of a request and returns what carries it
	// over into a new one, or nil where there is nothing worth it. It goes by
	// the cookie that http.Request.Cookie returns, and by no other: the mark is
	// kept under that one, and another may be anybody's. An error means that
	// this cannot be told now, and is no answer about the session.
	Read func(*http.Request) (func(*session.Session[T]), error)

	// End ends the old session of a request, if there is one, and expires its
	// cookie.
	End func(http.ResponseWriter, *http.Request) error
}

// Wrap is Manager.Wrap for the time of the switch.
func (a *Adopter[T]) Wrap(next http.Handler) http.Handler {
	next = a.Manager.Wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		old, err := r.Cookie(a.Cookie)
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		setCookie, err := a.adopt(r, old.Value)
		if err == nil {
			err = a.End(w, r)
		}
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			refused.replay(w)
		case err != nil:
			slog.ErrorContext(r.Context(), "session not taken over", "err", err)
			http.Error(w, "Please try again in a moment.", http.StatusServiceUnavailable)
		default:
			private := uncached{w}
			next.ServeHTTP(private, present(w, r, setCookie))
			private.insist() // where the handler has written nothing
		}
	})
}

// adopt sees to it that the old session is carried over, and returns the
// Set-Cookie line of the new one, "" where the client needs none.
func (a *Adopter[T]) adopt(r *http.Request, old string) (setCookie string, err error) {
	// What was begun for a client that has left is brought to its end all the
	// same: the new session of one half would stay, and nobody's.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	m := newMark(old)
	setCookie, err = m.find(r.Context(), a.Marks)
	known := err == nil
	var carry func(*session.Session[T])
	if errors.Is(err, session.ErrNotFound) {
		carry, err = a.Read(r)
	}
	if err != nil {
		return "", err
	}
	var s *session.Session[T]
	answer := ask(a.Manager.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s = a.Manager.From(r.Context())
		if s.Err() == nil && carry != nil {
			carry(s)
		}
	})), r)
	switch {
	case answer.code != 0:
		return "", &refusal{answer}
	case known && s.IsNew():
		return a.current(r.Context(), setCookie)
	case carry == nil:
		return "", nil
	}
	// The mark comes second: had it come first, a crash in between would leave a
	// visitor with neither session. Where it fails, the outcome is unknown, and
	// the new session may be the one that it names: so that stays.
	setCookie = answer.header.Get("Set-Cookie")
	err = m.leave(r.Context(), a.Marks, setCookie, time.Now().Add(a.Lifetime))
	if !errors.Is(err, session.ErrExists) {
		return setCookie, err
	}
	// Another request came first. Nobody has heard of this one's session yet.
	if setCookie != "" {
		if err := a.Manager.Revoke(r.Context(), s.ID()); err != nil {
			return "", err
		}
	}
	if setCookie, err = m.find(r.Context(), a.Marks); err != nil {
		return "", err
	}
	return a.current(r.Context(), setCookie)
}

// current returns the Set-Cookie line that a mark held, if it is still good. To
// set it after a logout would do no harm, but the visitor may have logged in
// again since, and it would hide that.
func (a *Adopter[T]) current(ctx context.Context, setCookie string) (string, error) {
	if setCookie == "" {
		return "", nil
	}
	cookie, err := http.ParseSetCookie(setCookie)
	if err != nil {
		return "", err
	}
	_, err = a.Manager.Open(ctx, cookie.Value)
	if errors.Is(err, session.ErrNotFound) {
		return "", nil
	}
	return setCookie, err
}

// present gives a new session to the client, and to the request, as if the
// client had brought it.
func present(w http.ResponseWriter, r *http.Request, setCookie string) *http.Request {
	cookie, err := http.ParseSetCookie(setCookie)
	if err != nil {
		return r
	}
	w.Header().Add("Set-Cookie", setCookie)
	r = r.Clone(r.Context())
	// In front, since of too many cookies of one name a Manager tries the first.
	r.Header["Cookie"] = append([]string{cookie.Name + "=" + cookie.Value}, r.Header["Cookie"]...)
	return r
}
