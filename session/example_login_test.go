package session_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

func ExampleSession_Login() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "open sesame" { // compare with the hash of the user's
			http.Error(w, "Wrong password.", http.StatusForbidden)
			return
		}
		s := manager.From(r.Context())
		s.Login(func(v *Visit) { v.UserID = "alice" })
		fmt.Fprintln(w, s.Status())
	})

	browse(manager.Wrap(mux), "/login?password=1234", "/login?password=open+sesame")
	// Output:
	// Wrong password.
	// renewed
}

// A user who is logged in confirms the password.
func ExampleSession_Login_confirm() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.HandleFunc("/confirm", func(w http.ResponseWriter, r *http.Request) {
		s := manager.From(r.Context())
		before := s.AuthenticatedAt()
		time.Sleep(2 * time.Millisecond)
		s.Login(nil)
		if err := s.Save(r.Context()); err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, s.State().UserID, s.AuthenticatedAt().After(before))
	})

	browse(manager.Wrap(mux), "/login", "/confirm")
	// Output: alice true
}

// After a logout, a new session can carry a message to the next page.
func ExampleSession_Destroy() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) {
		s := manager.From(r.Context())
		s.Destroy()
		s.Update(func(v *Visit) { v.Flash = "You are logged out." })
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s := manager.From(r.Context())
		fmt.Fprintf(w, "%q: %q\n", s.State().UserID, s.State().Flash)
	})

	browse(manager.Wrap(mux), "/login", "/", "/logout", "/")
	// Output:
	// "alice": ""
	// "": "You are logged out."
}

// The secret is renewed because the user has more rights from now on.
func ExampleSession_Renew() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.HandleFunc("/admin", func(w http.ResponseWriter, r *http.Request) {
		s := manager.From(r.Context())
		id := s.ID()
		s.Renew()
		fmt.Fprintln(w, s.Status(), "with the same ID:", s.ID() == id)
	})

	browse(manager.Wrap(mux), "/login", "/admin")
	// Output: renewed with the same ID: true
}

func ExampleSession_SetPersistent() {
	manager := newExample()
	login := manager.Handle(func(_ http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		s.Login(func(v *Visit) { v.UserID = "alice" })
		s.SetPersistent(r.FormValue("remember") == "on")
	})

	for _, query := range []string{"", "?remember=on"} {
		cookie := open(login, "/login"+query).Cookies()[0]
		fmt.Println("outlives the browser:", cookie.MaxAge > 0)
	}
	// Output:
	// outlives the browser: false
	// outlives the browser: true
}
