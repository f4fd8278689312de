package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Visit is the state of the examples.
type Visit struct {
	UserID  string
	Cart    []string
	Flash   string
	Coupons map[string]bool
}

// newExample returns a manager for the examples.
func newExample() *session.Manager[Visit] {
	manager, err := session.NewManager(memory.New(), session.Config[Visit]{
		Keys:    []session.Key{session.NewKey()}, // a program keeps one: session.ParseKey
		Subject: func(v *Visit) string { return v.UserID },
	})
	if err != nil {
		panic(err)
	}
	return manager
}

// browse asks a handler as one browser would, again and again, and prints the
// answers.
func browse(handler http.Handler, paths ...string) {
	jar := map[string]string{}
	for _, path := range paths {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for name, value := range jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Print(w.Body)
		for _, c := range w.Result().Cookies() {
			jar[c.Name] = c.Value
		}
	}
}

func Example() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/add/{item}", func(w http.ResponseWriter, r *http.Request) {
		s := session.From[Visit](r.Context())
		s.Update(func(v *Visit) { v.Cart = append(v.Cart, r.PathValue("item")) })
		fmt.Fprintln(w, "in the cart:", s.State().Cart)
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s := session.From[Visit](r.Context())
		// The subject changes, so the secret is renewed with the same write.
		s.Update(func(v *Visit) { v.UserID = "alice" })
		fmt.Fprintln(w, "hello,", s.State().UserID)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		session.From[Visit](r.Context()).Destroy()
		fmt.Fprintln(w, "bye")
	})

	browse(manager.Wrap(mux), "/add/tea", "/add/cups", "/login", "/add/milk", "/logout", "/add/tea")
	// Output:
	// in the cart: [tea]
	// in the cart: [tea cups]
	// hello, alice
	// in the cart: [tea cups milk]
	// bye
	// in the cart: [tea]
}

func ExampleTake() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/save", func(_ http.ResponseWriter, r *http.Request) {
		session.From[Visit](r.Context()).Update(func(v *Visit) { v.Flash = "Saved." })
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s := session.From[Visit](r.Context())
		fmt.Fprintf(w, "flash: %q\n", session.Take(s, func(v *Visit) *string { return &v.Flash }))
	})

	browse(manager.Wrap(mux), "/save", "/", "/")
	// Output:
	// flash: "Saved."
	// flash: ""
}

func ExampleSession_Transact() {
	manager := newExample()
	errUsed := errors.New("this coupon was used before")
	redeem := manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		err := s.Transact(r.Context(), func(v *Visit) error {
			if v.Coupons["WELCOME"] {
				return errUsed
			}
			v.Coupons = map[string]bool{"WELCOME": true}
			return nil
		})
		fmt.Fprintln(w, "redeemed:", err == nil, errors.Is(err, errUsed))
	})

	browse(redeem, "/", "/")
	// Output:
	// redeemed: true false
	// redeemed: false true
}

func ExampleManager_RequireRecentLogin() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		session.From[Visit](r.Context()).Update(func(v *Visit) { v.UserID = "alice" })
	})
	mux.Handle("/password", manager.RequireRecentLogin(5*time.Minute, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "choose a new password")
	})))

	browse(manager.Wrap(mux), "/password", "/login", "/password")
	// Output:
	// Please log in again.
	// choose a new password
}

func ExampleManager_Sessions() {
	manager := newExample()
	login := manager.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[Visit]) {
		s.Update(func(v *Visit) { v.UserID = "alice" })
	})
	browse(login, "/") // a phone
	browse(login, "/") // a desk

	ctx := context.Background()
	devices, err := manager.Sessions(ctx, "alice")
	if err != nil {
		fmt.Println(err)
	}
	for _, info := range devices {
		fmt.Println("signed in:", !info.AuthenticatedAt.IsZero())
	}
	n, err := manager.RevokeSubject(ctx, "alice")
	fmt.Println("signed out:", n, err)
	// Output:
	// signed in: true
	// signed in: true
	// signed out: 2 <nil>
}
