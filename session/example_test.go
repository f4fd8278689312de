package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

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

// newExample returns a manager for the examples, changed by the options.
func newExample(options ...func(*session.Config[Visit])) *session.Manager[Visit] {
	cfg := session.Config[Visit]{
		Keys:    []session.Key{session.NewKey()}, // a program keeps one: session.LoadOrCreateKey
		Subject: func(v *Visit) string { return v.UserID },
		Logger:  quiet,
	}
	for _, option := range options {
		option(&cfg)
	}
	manager, err := session.NewManager(memory.New(), cfg)
	if err != nil {
		panic(err)
	}
	return manager
}

// browse requests the paths one after the other, as one browser would, and prints
// the responses.
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
	mux.HandleFunc("/cart", func(w http.ResponseWriter, r *http.Request) {
		st := session.From[Visit](r.Context()).State()
		fmt.Fprintf(w, "%q has %q\n", st.UserID, st.Cart)
	})
	mux.HandleFunc("/add/{item}", func(_ http.ResponseWriter, r *http.Request) {
		item := r.PathValue("item")
		session.From[Visit](r.Context()).Update(func(v *Visit) { v.Cart = append(v.Cart, item) })
	})
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		// After the password was checked.
		session.From[Visit](r.Context()).Login(func(v *Visit) { v.UserID = "alice" })
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) {
		session.From[Visit](r.Context()).Destroy()
	})

	browse(manager.Wrap(mux), "/add/tea", "/cart", "/login", "/add/milk", "/cart", "/logout", "/cart")
	// Output:
	// "" has ["tea"]
	// "alice" has ["tea" "milk"]
	// "" has []
}
