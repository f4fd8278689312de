package migrate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

// Adopter is a Manager that adopts the sessions that visitors have from before the
// switch. All of its fields are required. It must not be changed after the first
// call of Wrap.
type Adopter[T any] struct {
	// Manager keeps the new sessions, in a cookie. The cookie must have another
	// name than the old one, and the token must fit into one cookie.
	Manager *session.Manager[T]

	// Marks holds a mark for each adopted session. It may be the Manager's own
	// store. It must hold its records on the server, and not answer from a cache.
	Marks store.Store

	// Cookie is the name of the old cookie.
	Cookie string

	// Lifetime is the longest time for which an old cookie is valid. Marks are
	// kept that long. The Adopter can be removed that long after the switch.
	Lifetime time.Duration

	// Read reads the old session of a request and returns a function that copies
	// it into a new one, or nil if there is nothing worth copying. The function
	// is not called if the new session has a subject: the user has logged in, and
	// the old session is out of date. Copy by Update, in a function that adds to
	// the state that it is given: the new session may be an anonymous visitor's.
	//
	// Read must use
	// the cookie that http.Request.Cookie returns, and no other: the key of the
	// mark is made from that one, and another cookie may be an attacker's. An
	// error means that the old store did not answer, and says nothing about the
	// session.
	Read func(*http.Request) (func(*session.Session[T]), error)

	// End ends the old session of a request, if there is one, and expires its
	// cookie.
	End func(http.ResponseWriter, *http.Request) error
}

// Wrap is Manager.Wrap for the time of the switch. It panics if a field is missing
// or Lifetime is not positive: a mark that expires at once would let a cookie be
// adopted twice.
//
// If an old session cannot be read or ended, the response is a 503 and the error
// is logged. If the Manager fails, the response is its ErrorHandler's.
func (a *Adopter[T]) Wrap(next http.Handler) http.Handler {
	a.validate()
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
			slog.ErrorContext(r.Context(), "session not adopted", "err", err)
			http.Error(w, "Please try again in a moment.", http.StatusServiceUnavailable)
		default:
			private := uncached{w}
			next.ServeHTTP(private, present(w, r, setCookie))
			private.insist() // if the handler has written nothing
		}
	})
}

// validate panics with the name of the field that is wrong.
func (a *Adopter[T]) validate() {
	wrong := ""
	switch {
	case a.Manager == nil:
		wrong = "Manager is nil"
	case a.Marks == nil:
		wrong = "Marks is nil"
	case a.Cookie == "":
		wrong = "Cookie is empty"
	case a.Lifetime <= 0:
		wrong = "Lifetime is not positive"
	case a.Read == nil:
		wrong = "Read is nil"
	case a.End == nil:
		wrong = "End is nil"
	default:
		return
	}
	panic("migrate: Adopter." + wrong)
}

// adopt makes sure that the old session is adopted, by this request or by another
// one. It returns the Set-Cookie line of the new session, or "" if the client
// needs none.
func (a *Adopter[T]) adopt(r *http.Request, old string) (string, error) {
	client := r.Context()
	// An adoption that has begun is completed also if the client leaves.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	m := newMark(a.Marks, old)
	var carry func(*session.Session[T])
	for {
		setCookie, err := m.find(r.Context())
		switch {
		case err == nil:
			return a.follow(r, setCookie)
		case errors.Is(err, errPending):
		case !errors.Is(err, session.ErrNotFound):
			return "", err
		default:
			// Read comes first, so that a forged cookie leaves no mark.
			if carry == nil {
				if carry, err = a.Read(r); err != nil || carry == nil {
					return "", err
				}
			}
			err = m.claim(r.Context())
			if err == nil {
				return a.carry(r, m, carry)
			}
			if !errors.Is(err, store.ErrExists) {
				return "", err
			}
		}
		// Another request has the claim.
		select {
		case <-client.Done():
			return "", client.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// carry copies the old session, for all requests that bring it.
func (a *Adopter[T]) carry(r *http.Request, m *mark, carry func(*session.Session[T])) (string, error) {
	_, answer := a.visit(r, func(s *session.Session[T]) {
		if s.AuthenticatedAt().IsZero() {
			carry(s)
		}
	})
	if answer.code != 0 {
		m.release(r.Context())
		return "", &refusal{answer}
	}
	setCookie := answer.header.Get("Set-Cookie")
	return setCookie, m.settle(r.Context(), setCookie, time.Now().Add(a.Lifetime))
}

// follow returns the Set-Cookie line that a mark holds, unless the request has a
// new session already, or the session of that line has ended. A cookie set after
// a logout would open no session, but could overwrite the cookie of a login that
// came later.
func (a *Adopter[T]) follow(r *http.Request, setCookie string) (string, error) {
	s, answer := a.visit(r, func(*session.Session[T]) {})
	switch {
	case answer.code != 0:
		return "", &refusal{answer}
	case !s.IsNew() || setCookie == "":
		return "", nil
	}
	cookie, err := http.ParseSetCookie(setCookie)
	if err != nil {
		return "", err
	}
	_, err = a.Manager.LoadToken(r.Context(), cookie.Value)
	if errors.Is(err, session.ErrNotFound) {
		return "", nil
	}
	return setCookie, err
}

// visit runs do with the new session of a request, and returns the response that
// a client would get.
func (a *Adopter[T]) visit(r *http.Request, do func(*session.Session[T])) (*session.Session[T], *answer) {
	var s *session.Session[T]
	answer := ask(a.Manager.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s = a.Manager.From(r.Context())
		if s.Err() == nil {
			do(s)
		}
	})), r)
	return s, answer
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
	// First, since a Manager tries a limited number of cookies of one name.
	r.Header["Cookie"] = append([]string{cookie.Name + "=" + cookie.Value}, r.Header["Cookie"]...)
	return r
}
