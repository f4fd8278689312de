package session_test

import (
	"fmt"
	"net/http"

	"github.com/typedsession/typedsession/session"
)

func ExampleFrom() {
	manager := newExample()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From[Visit](r.Context())
		fmt.Fprintln(w, "new:", s.IsNew(), "cart:", s.State().Cart)
	})

	browse(manager.Wrap(handler), "/")
	// Output: new: true cart: []
}

func ExampleSession_Update() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/add/{item}", func(w http.ResponseWriter, r *http.Request) {
		item := r.PathValue("item")
		manager.From(r.Context()).Update(func(v *Visit) { v.Cart = append(v.Cart, item) })
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	})

	browse(manager.Wrap(mux), "/add/tea", "/add/milk")
	// Output:
	// <a href="/cart">See Other</a>.
	//
	// <a href="/cart">See Other</a>.
}

// After Save, State returns what is stored, with what concurrent requests have
// added.
func ExampleSession_Save() {
	manager := newExample()
	mux := http.NewServeMux()
	mux.HandleFunc("/add/{item}", func(w http.ResponseWriter, r *http.Request) {
		s := manager.From(r.Context())
		s.Update(func(v *Visit) { v.Cart = append(v.Cart, r.PathValue("item")) })
		if err := s.Save(r.Context()); err != nil {
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, len(s.State().Cart), "in the cart")
	})

	browse(manager.Wrap(mux), "/add/tea", "/add/milk")
	// Output:
	// 1 in the cart
	// 2 in the cart
}

func ExampleSession_Clear() {
	manager := newExample(func(cfg *session.Config[Visit]) {
		cfg.Initial = func() Visit { return Visit{Cart: []string{"a sample"}} }
	})
	clear := manager.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[Visit]) {
		s.Update(func(v *Visit) { v.Cart = append(v.Cart, "tea") })
		fmt.Fprintln(w, s.State().Cart)
		s.Clear()
		fmt.Fprintln(w, s.State().Cart)
	})

	browse(clear, "/")
	// Output:
	// [a sample tea]
	// [a sample]
}
