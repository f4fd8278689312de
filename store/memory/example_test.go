package memory_test

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

func Example() {
	type state struct{ Visits int }
	mgr, err := session.NewManager(memory.New(), session.Config[state]{
		Keys: []session.Key{session.NewKey()},
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

// A full store refuses new sessions and keeps those that it has.
func ExampleStore() {
	ctx := context.Background()
	st := &memory.Store{MaxSessions: 1}
	for i := range 2 {
		_, err := st.Create(ctx, session.Record{
			ID:      session.ID{byte(i)},
			Expires: time.Now().Add(time.Hour),
		})
		fmt.Println(errors.Is(err, memory.ErrFull))
	}
	// Output:
	// false
	// true
}

// A program whose traffic may stop gets its memory back by sweeping.
func ExampleStore_Sweep() {
	// For as long as the program runs.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()

	st := memory.New()
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			st.Sweep()
		case <-ctx.Done():
			fmt.Println("done")
			return
		}
	}
	// Output: done
}
