package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

// lifePage is what the page about the session shows. None of it is
// secret: the ID is a handle for logs and device lists, not a credential. The
// secret, which is one, is in the cookie alone, and no method returns it.
type lifePage struct {
	Stored     bool // false for a visitor of whom nothing was kept yet
	ID         session.ID
	Status     session.Status
	New        bool
	Created    time.Time
	Expires    time.Time
	Left       string // until it expires
	Persistent bool
	Store      string
	Owner      string // name of the user, "" before a login
}

// showSession tells the life of this visitor's session.
func (sh *shop) showSession(w http.ResponseWriter, r *http.Request) {
	s := session.From[State](r.Context())
	st := s.State()
	user, _ := sh.users.byID(st.UserID)
	sh.show(w, r, http.StatusOK, "session", "This session", lifePage{
		Stored:     !s.CreatedAt().IsZero(),
		ID:         s.ID(),
		Status:     s.Status(),
		New:        s.IsNew(),
		Created:    s.CreatedAt().UTC(),
		Expires:    s.ExpiresAt().UTC(),
		Left:       about(time.Until(s.ExpiresAt())),
		Persistent: st.Remember,
		Store:      sh.kind,
		Owner:      user.Name,
	})
}

// about returns a duration as one would say it.
func about(d time.Duration) string {
	if d < 2*time.Hour {
		return fmt.Sprintf("%d minutes", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d hours", d.Round(time.Hour)/time.Hour)
}
