package session

import (
	"net/http"
	"time"
)

// AuthenticatedAt returns when the session's subject was last established, by a
// login or by [Session.Login], as far as that is stored; the zero Time
// where there is none.
func (s *Session[T]) AuthenticatedAt() time.Time {
	return fromMillis(s.live.Load().look().authenticated)
}

// Login is an Update after which the subject counts as just authenticated: it
// renews the secret and sets AuthenticatedAt when the session is saved, also where
// the subject stays the same. Login(nil) is for a confirmed password. It does
// nothing to a session without a subject.
func (s *Session[T]) Login(fn func(*T)) {
	if fn != nil {
		s.Update(fn)
	}
	s.intend(func(l *live[T]) {
		l.renew, l.proven = true, true
		l.show(func(v *view) { v.status = StatusRenewed })
	})
}

// RequireRecentLogin returns a handler that serves next to whoever was authenticated
// less than maxAge ago, and Config.ReauthHandler to others: for pages on which a
// session that somebody else got hold of would do harm. It belongs inside of
// [Manager.Wrap]. See OWASP Session Management Cheat Sheet, "Reauthentication".
func (m *Manager[T]) RequireRecentLogin(maxAge time.Duration, next http.Handler) http.Handler {
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
