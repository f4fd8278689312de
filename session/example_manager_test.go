package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

func ExampleNewManager() {
	type State struct{ UserID string }
	manager, err := session.NewManager(memory.New(), session.Config[State]{
		Keys:    []session.Key{session.NewKey()}, // a program keeps one: session.LoadOrCreateKey
		Subject: func(s *State) string { return s.UserID },
	})
	fmt.Println(manager != nil, err)

	_, err = session.NewManager(memory.New(), session.Config[State]{Keys: []session.Key{session.NewKey()}})
	fmt.Println(err)
	// Output:
	// true <nil>
	// session: Config.Subject is nil: return the user of a state, or say that there are no logins by session.Anonymous
}

// An application without logins.
func ExampleAnonymous() {
	type State struct{ Theme string }
	_, err := session.NewManager(memory.New(), session.Config[State]{
		Keys:    []session.Key{session.NewKey()},
		Subject: session.Anonymous[State],
	})
	fmt.Println(err)
	// Output: <nil>
}

// A handler that takes its session as an argument needs no Wrap around it.
func ExampleManager_Handle() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.Handle("/add/{item}", manager.Handle(func(_ http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		s.Update(func(v *Visit) { v.Cart = append(v.Cart, r.PathValue("item")) })
	}))
	mux.Handle("/cart", manager.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[Visit]) {
		fmt.Fprintln(w, s.State().Cart)
	}))

	browse(mux, "/add/tea", "/cart")
	// Output: [tea]
}

// Users and administrators have sessions of the same type in different cookies.
func ExampleManager_From() {
	named := func(name string) func(*session.Config[Visit]) {
		return func(cfg *session.Config[Visit]) { cfg.Cookie.Name = name }
	}
	users, admins := newExample(named("__Host-user")), newExample(named("__Host-admin"))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		users.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
		admins.From(r.Context()).Login(func(v *Visit) { v.UserID = "root" })
		fmt.Fprintln(w, users.From(r.Context()).State().UserID, admins.From(r.Context()).State().UserID)
	})

	browse(users.Wrap(admins.Wrap(handler)), "/")
	// Output: alice root
}

// A change whose session has ended during the request sends the visitor to the
// login page in place of the default 409.
func ExampleConfig_errorHandler() {
	manager := newExample(func(cfg *session.Config[Visit]) {
		cfg.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
			switch {
			case errors.Is(err, session.ErrEnded):
				http.Redirect(w, r, "/login", http.StatusSeeOther)
			case errors.Is(err, session.ErrUnavailable):
				http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			default:
				http.Error(w, "Your change was not saved.", http.StatusInternalServerError)
			}
		}
	})
	cookies := open(manager.Handle(loginAlice), "/").Cookies()
	slow := manager.Handle(func(_ http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		s.Update(func(v *Visit) { v.Cart = append(v.Cart, "tea") })
		_, _ = manager.RevokeSubject(context.WithoutCancel(r.Context()), "alice") // another request, just now
	})

	response := open(slow, "/", cookies...)
	fmt.Println(response.StatusCode, response.Header.Get("Location"))
	// Output: 303 /login
}

// An audit log of logins and logouts.
func ExampleConfig_observer() {
	manager := newExample(func(cfg *session.Config[Visit]) {
		cfg.Observer = func(_ context.Context, e session.Event) {
			switch e.Kind {
			case session.EventCreated, session.EventDestroyed:
				fmt.Println(e.Kind, e.Subject)
			}
		}
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) {
		manager.From(r.Context()).Destroy()
	})

	browse(manager.Wrap(mux), "/login", "/logout")
	// Output:
	// created alice
	// destroyed alice
}
