package session

import (
	"net/http"
	"time"
)

// AuthenticatedAt returns when the session's subject was last established, by a
// login or by [Session.Reauthenticated], as far as that is stored; the zero Time
// where there is none.
func (s *Session[T]) AuthenticatedAt() time.Time {
	return fromMillis(s.live.Load().look().authenticated)
}

// Reauthenticated notes that the subject has just proven again who it is, by its
// password for instance, and renews the secret. It counts from the next save on,
// and does nothing to a session without a subject.
func (s *Session[T]) Reauthenticated() {
	s.intend(func(l *live[T]) {
		l.renew, l.proven = true, true
		l.show(func(v *view) { v.status = StatusRenewed })
	})
}

// RequireFresh returns a handler that serves next to whoever was authenticated
// less than maxAge ago, and Config.StaleHandler to others: for pages on which a
// session that somebody else got hold of would do harm. It belongs inside of
// [Manager.Wrap]. See OWASP Session Management Cheat Sheet, "Reauthentication".
func (m *Manager[T]) RequireFresh(maxAge time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.From(r.Context())
		if s.Err() != nil {
			return // the commit answers
		}
		// The zero Time is too long ago for every maxAge.
		if time.Since(s.AuthenticatedAt()) < maxAge {
			next.ServeHTTP(w, r)
			return
		}
		m.core.staleHandler.ServeHTTP(w, r)
	})
}
