package frameworks_test

import (
	"fmt"
	"maps"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/typedsession/typedsession/session"
)

// sessionStore lets gothic, or other code that wants a gorilla sessions.Store,
// keep its values in the application's session, in a field of the state:
//
//	gothic.Store = sessionStore[State]{func(st *State) *map[string]string { return &st.OAuth }}
//
// All names share the field. The handlers must be inside of Manager.Wrap.
type sessionStore[T any] struct {
	field func(*T) *map[string]string
}

// Get implements [sessions.Store].
func (st sessionStore[T]) Get(r *http.Request, name string) (*sessions.Session, error) {
	return st.New(r, name)
}

// New implements [sessions.Store].
func (st sessionStore[T]) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(st, name)
	s.Options = new(sessions.Options)
	state := session.From[T](r.Context()).State()
	for key, value := range *st.field(&state) {
		s.Values[key] = value
	}
	s.IsNew = len(s.Values) == 0
	return s, nil
}

// Save implements [sessions.Store]. The session's own commit writes the cookie.
func (st sessionStore[T]) Save(r *http.Request, _ http.ResponseWriter, s *sessions.Session) error {
	values := make(map[string]string)
	for key, value := range s.Values {
		k, isKey := key.(string)
		v, isValue := value.(string)
		if !isKey || !isValue {
			return fmt.Errorf("the value of %v is a %T, want strings", key, value)
		}
		values[k] = v
	}
	session.From[T](r.Context()).Update(func(state *T) {
		field := st.field(state)
		if s.Options.MaxAge < 0 { // gothic.Logout
			*field = nil
			return
		}
		merged := maps.Clone(values)
		for key, value := range *field {
			if _, ok := merged[key]; !ok {
				merged[key] = value // of a concurrent request
			}
		}
		*field = merged
	})
	return nil
}
