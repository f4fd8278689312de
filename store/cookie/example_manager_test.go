package cookie_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// The state travels in the cookie. The last visit presents the cookie of the
// first one, and with it the state of that time.
func Example() {
	type state struct{ Visits int }
	mgr, err := session.NewManager(cookie.New(), session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: session.Anonymous[state],
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := mgr.Handle(func(w http.ResponseWriter, _ *http.Request, s *session.Session[state]) {
		s.Update(func(st *state) { st.Visits++ })
		fmt.Fprintln(w, "visits:", s.State().Visits)
	})
	visit := func(cookies ...*http.Cookie) *http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Print(w.Body)
		return w.Result().Cookies()[0]
	}

	first := visit()
	second := visit(first)
	visit(second)
	visit(first)
	// Output:
	// visits: 1
	// visits: 2
	// visits: 3
	// visits: 2
}
