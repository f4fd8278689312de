package session_test

import (
	"fmt"
	"net/http"

	"github.com/typedsession/typedsession/session"
)

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
