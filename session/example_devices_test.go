package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/typedsession/typedsession/session"
)

// open requests a path with the given cookies and returns the response.
func open(handler http.Handler, path string, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

// labelled is an option that labels a session with the device that the path of the
// login names.
func labelled(cfg *session.Config[Visit]) {
	cfg.Label = func(r *http.Request, _ *Visit) string { return r.URL.Path[1:] }
}

// loginAlice is a handler that logs alice in.
func loginAlice(_ http.ResponseWriter, _ *http.Request, s *session.Session[Visit]) {
	s.Login(func(v *Visit) { v.UserID = "alice" })
}

// A page that lists the devices of a user, and a button that signs one out.
func ExampleManager_Sessions() {
	manager := newExample(labelled)
	login := manager.Handle(loginAlice)
	open(login, "/phone")
	open(login, "/desk")

	ctx := context.Background()
	for range 2 {
		devices, err := manager.Sessions(ctx, "alice")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("signed in on", len(devices))
		for _, device := range devices {
			if device.Label == "phone" {
				fmt.Println("sign out", device.Label, manager.Revoke(ctx, device.ID))
			}
		}
	}
	// Output:
	// signed in on 2
	// sign out phone <nil>
	// signed in on 1
}

// The ID of a session travels through a form of the page that lists them. Check
// that it belongs to the user before it is revoked.
func ExampleManager_Revoke() {
	manager := newExample()
	open(manager.Handle(loginAlice), "/")
	signOut := func(ctx context.Context, subject, form string) error {
		id, err := session.ParseID(form)
		if err != nil {
			return err
		}
		devices, err := manager.Sessions(ctx, subject)
		if err != nil {
			return err
		}
		for _, device := range devices {
			if device.ID == id {
				return manager.Revoke(ctx, id)
			}
		}
		return session.ErrNotFound
	}

	ctx := context.Background()
	devices, err := manager.Sessions(ctx, "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	form := devices[0].ID.String()
	fmt.Println("mallory:", signOut(ctx, "mallory", form))
	fmt.Println("alice:", signOut(ctx, "alice", form))
	// Output:
	// mallory: session not found
	// alice: <nil>
}

// An administrator closes an account.
func ExampleManager_RevokeSubject() {
	manager := newExample()
	login := manager.Handle(loginAlice)
	open(login, "/")
	open(login, "/")

	n, err := manager.RevokeSubject(context.Background(), "alice")
	fmt.Println("ended:", n, err)
	// Output: ended: 2 <nil>
}

// A changed password signs the other devices out.
func ExampleSession_RevokeOthers() {
	manager := newExample()
	login := manager.Handle(loginAlice)
	open(login, "/") // another device
	own := open(login, "/").Cookies()

	password := manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		// Store the new password first: then no login with the old one survives.
		n, err := s.RevokeOthers(r.Context())
		if err != nil {
			http.Error(w, "Try again.", http.StatusServiceUnavailable)
			return
		}
		s.Login(nil) // this device has just given the password
		fmt.Println("ended:", n)
	})
	fmt.Println(open(password, "/", own...).StatusCode)
	// Output:
	// ended: 1
	// 200
}

// A third login ends the session whose login is the oldest.
func ExampleConfig_maxSessionsPerSubject() {
	manager := newExample(labelled, func(cfg *session.Config[Visit]) { cfg.MaxSessionsPerSubject = 2 })
	login := manager.Handle(loginAlice)
	for _, device := range []string{"/phone", "/desk", "/tablet"} {
		open(login, device)
	}

	devices, err := manager.Sessions(context.Background(), "alice")
	fmt.Println(len(devices), err)
	// Output: 2 <nil>
}

func ExampleParseID() {
	_, err := session.ParseID("01234567-89ab-cdef-0123-456789abcdef")
	fmt.Println(err)
	id, err := session.ParseID("0123456789abcdef0123456789abcdef")
	fmt.Println(id, err)
	fmt.Println(errors.Is(err, session.ErrNotFound))
	// Output:
	// session: parse ID: session ID of 36 characters, want 32
	// 0123456789abcdef0123456789abcdef <nil>
	// false
}
