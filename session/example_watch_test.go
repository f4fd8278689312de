package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/typedsession/typedsession/session"
)

// An event stream ends when the session is revoked.
func ExampleSession_Watch() {
	manager := newExample()
	cookies := open(manager.Handle(loginAlice), "/").Cookies()
	started, prices := make(chan struct{}), make(chan int)
	stream := manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		ctx := s.Watch(r.Context())
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		close(started)
		for {
			select {
			case price := <-prices:
				fmt.Fprintf(w, "data: %d\n\n", price)
			case <-ctx.Done():
				fmt.Println("ended:", errors.Is(context.Cause(ctx), session.ErrNotFound))
				return
			}
		}
	})

	server := httptest.NewServer(stream)
	defer server.Close()
	go func() {
		<-started
		_, _ = manager.RevokeSubject(context.Background(), "alice")
	}()
	r, _ := http.NewRequest(http.MethodGet, server.URL, nil)
	r.AddCookie(cookies[0])
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // until the stream ends
	// Output: ended: true
}
