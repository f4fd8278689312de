package memory_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

func Example() {
	type state struct{ Visits int }
	mgr, err := session.NewManager(memory.New(), session.Config[state]{
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

	first := httptest.NewRecorder()
	handler.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	fmt.Print(first.Body)

	again := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	again.AddCookie(first.Result().Cookies()[0])
	second := httptest.NewRecorder()
	handler.ServeHTTP(second, again)
	fmt.Print(second.Body)
	// Output:
	// visits: 1
	// visits: 2
}
