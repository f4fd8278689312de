package frameworks_test

import (
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

func testStream(t *testing.T, p place) { testFlow(t, p, "/stream") }

func testEvents(t *testing.T, p place) { testFlow(t, p, "/events") }

// testFlow asks for a response that tells 1, waits, and tells 2.
func testFlow(t *testing.T, p place, path string) {
	s := p.start(t)
	if p.open == nil {
		s.refuses(http.MethodGet, path)
	}
	flow := s.flow(path)
	defer flow.close()
	s.carries(flow.header)
	if path == "/events" && !strings.HasPrefix(flow.header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("Content-Type: %s", flow.header["Content-Type"])
	}
	flow.expect(t, "1")
	s.counts(1) // while it goes on
	s.app.proceed <- struct{}{}
	flow.expect(t, "2")
	flow.expect(t, "")
	s.counts(2)
}

func testWebSocket(t *testing.T, p place) {
	for _, path := range []string{"/coder", "/gorilla"} {
		if p.flaws[path] != "" {
			continue
		}
		t.Run(path[1:], func(t *testing.T) {
			s := p.start(t)
			s.down(func() {
				conn, a, err := s.dial(path)
				if err == nil {
					_ = conn.CloseNow()
				}
				if a.Response == nil || a.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("while the store is down: %v", err)
				}
			})
			s.counts(0)
			s.upgrades(path)
			s.counts(3)
		})
	}
}

// dial opens a WebSocket.
func (s *site) dial(path string) (*coder.Conn, answer, error) {
	options := &coder.DialOptions{HTTPClient: s.client}
	conn, response, err := coder.Dial(s.t.Context(), s.URL+path, options) //nolint:bodyclose // Dial has
	return conn, answer{Response: response}, err
}

// upgrades opens a WebSocket, which must begin a session, and sends two messages.
func (s *site) upgrades(path string) {
	s.t.Helper()
	conn, a, err := s.dial(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	s.begins(a, http.StatusSwitchingProtocols)
	for _, want := range []string{"2", "3"} {
		if err := conn.Write(s.t.Context(), coder.MessageText, []byte("more")); err != nil {
			s.t.Fatal(err)
		}
		_, got, err := conn.Read(s.t.Context())
		if err != nil || string(got) != want {
			s.t.Errorf("the answer is %q, %v, want %s", got, err, want)
		}
	}
	if err := conn.Close(coder.StatusNormalClosure, ""); err != nil {
		s.t.Error(err)
	}
}
