package migrate

import "github.com/typedsession/typedsession/session"

// State is the state of the new sessions.
type State struct {
	UserID string
	Cart   []string
}

// carry returns a function that copies an old session's state into a new session,
// or nil if there is nothing to copy.
func carry(old State, persistent bool) func(*session.Session[State]) {
	if old.UserID == "" && len(old.Cart) == 0 {
		return nil
	}
	return func(s *session.Session[State]) {
		s.Update(func(st *State) {
			st.UserID = old.UserID
			st.Cart = append(st.Cart, old.Cart...)
		})
		s.SetPersistent(persistent)
	}
}
