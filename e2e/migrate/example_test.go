package migrate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/alexedwards/scs/v2"

	"github.com/typedsession/typedsession/e2e/migrate"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Alice logs in while the program uses scs, and finds it using this library when
// she comes back.
func Example() {
	// The program as it was.
	old := scs.New()
	before := old.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		old.Put(r.Context(), "userID", "alice")
	}))

	// The program as it is now.
	store := memory.New()
	manager, err := session.NewManager(store, session.Config[migrate.State]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *migrate.State) string { return s.UserID },
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s", session.From[migrate.State](r.Context()).State().UserID)
	})
	after := migrate.FromSCS(manager, store, old).Wrap(mux) // in place of manager.Wrap(mux)

	visit := func(handler http.Handler, cookies []*http.Cookie) []*http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Body)
		response := w.Result()
		defer response.Body.Close()
		return response.Cookies()
	}
	for _, c := range visit(after, visit(before, nil)) {
		fmt.Println(c.Name, "expired:", c.MaxAge < 0)
	}
	// Output:
	//
	// hello alice
	// session expired: true
	// __Host-session expired: false
}
