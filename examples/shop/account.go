package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/typedsession/typedsession/session"
)

// accountPage is what the account page shows.
type accountPage struct {
	User    User
	Devices []device
	Listed  bool   // false where the store cannot tell, and Devices is this one alone
	Late    string // how far behind "last seen" can be
}

// device is one session of the user.
type device struct {
	session.Info
	This bool // the one that asks
}

func (sh *shop) showAccount(w http.ResponseWriter, r *http.Request, s *session.Session[State], user User) {
	this := device{session.Info{ID: s.ID(), Label: deviceName(r.UserAgent()), CreatedAt: s.CreatedAt()}, true}
	page := accountPage{User: user, Devices: []device{this}, Listed: true, Late: lastSeenLate}
	others, err := sh.otherSessions(r.Context(), s, user)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		// With -store cookie each browser holds its session, and nothing lists them.
		page.Listed = false
	case err != nil:
		sh.sessionError(w, r, err)
		return
	}
	for _, info := range others {
		page.Devices = append(page.Devices, device{Info: info})
	}
	sh.show(w, r, http.StatusOK, "account", "Your account", page)
}

// lastSeenLate is how far behind Info.LastUsedAt can be: a session is rewritten
// when a tenth of its IdleTimeout has passed, not for every page.
var lastSeenLate = strings.TrimSuffix((idleTimeout / 10).String(), "0s")

// otherSessions returns the sessions of the user apart from s.
func (sh *shop) otherSessions(ctx context.Context, s *session.Session[State], user User) ([]session.Info, error) {
	infos, err := sh.sessions.Sessions(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	var others []session.Info
	for _, info := range infos {
		if info.ID != s.ID() {
			info.Label = cmp.Or(info.Label, "Unknown device") // a record that cannot be read
			others = append(others, info)
		}
	}
	return others, nil
}

// signOutDevice ends one of the user's sessions.
func (sh *shop) signOutDevice(w http.ResponseWriter, r *http.Request, s *session.Session[State], user User) {
	// An ID is no secret, and Revoke does not check whose session it ends: the
	// shop must check that the session is this user's.
	others, err := sh.otherSessions(r.Context(), s, user)
	id := r.PostFormValue("id")
	at := slices.IndexFunc(others, func(i session.Info) bool { return i.ID.String() == id })
	message := "There was nothing left to sign out."
	if at >= 0 {
		err = sh.sessions.Revoke(r.Context(), others[at].ID)
		message = "Signed out: " + others[at].Label + "."
	}
	sh.signedOut(w, r, s, message, err)
}

// signOutOthers ends all of the user's sessions but this one.
func (sh *shop) signOutOthers(w http.ResponseWriter, r *http.Request, s *session.Session[State], _ User) {
	n, err := s.RevokeOthers(r.Context())
	sh.signedOut(w, r, s, othersSignedOut(n), err)
}

// signedOut answers a form that has signed devices out, or tried to.
func (sh *shop) signedOut(w http.ResponseWriter, r *http.Request, s *session.Session[State], message string, err error) {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		sh.refuse(w, http.StatusNotImplemented, "One device cannot be told from another",
			"This shop keeps sessions in the browsers alone. You can sign out all the others at once.", "/account")
	case err != nil:
		sh.sessionError(w, r, err)
	default:
		s.Update(func(st *State) { st.Flash = message })
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}

// othersSignedOut says how many sessions were ended. With -store cookie they are
// not counted, and n is 0.
func othersSignedOut(n int) string {
	switch n {
	case 0:
		return "You are signed in nowhere else."
	case 1:
		return "One other device is signed out."
	}
	return fmt.Sprintf("%d other devices are signed out.", n)
}
