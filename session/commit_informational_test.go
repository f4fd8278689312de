package session_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
)

func TestCommit1InformationalResponsesPassThrough(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		m := newManager(t, st)
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusEarlyHints)
			if got := st.ops(); got != "" {
				t.Errorf("informational responses asked the store for %q", got)
			}
			// It may still change, because nothing is committed.
			increment(w, r)
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, "done")
		})))
		got := s.get("/")
		if len(got.informational) != 2 || got.informational[0].code != 102 || got.informational[1].code != 103 {
			t.Fatalf("informational responses: %v, want a 102 and a 103", got.informational)
		}
		for _, e := range got.informational {
			if e.header.Get("Link") == "" {
				t.Errorf("the %d lost its header: %v", e.code, e.header)
			}
			for _, name := range []string{"Set-Cookie", "Vary", "Cache-Control"} {
				if e.header.Get(name) != "" {
					t.Errorf("the %d carries %s: %v", e.code, name, e.header)
				}
			}
		}
		if got.StatusCode != http.StatusAccepted || got.body != "done" || !sets(got.Header, "__Host-session") {
			t.Errorf("the final response is %s %q with %v", got.Status, got.body, got.Header)
		}
		if n := s.browser().read(m).Count; n != 2 {
			t.Errorf("Count = %d, want 2", n)
		}
	})
}

// The hints are no secret, but the response that they hint at never comes.
func TestCommit1EarlyHintsBeforeAFailedCommit(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		st.fail("create")
		s := serve(newManager(t, st).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
			w.WriteHeader(http.StatusEarlyHints) // too late: the answer is on its way
		})))
		got := s.get("/")
		if len(got.informational) != 1 {
			t.Errorf("informational responses: %v, want one", got.informational)
		}
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Link") != "" {
			t.Errorf("the final response is %s with %v", got.Status, got.Header)
		}
	})
}

// 101 is the last response on the connection, so that it is the last chance to
// set a cookie. HTTP/2 has none: RFC 9113.
func TestCommit1SwitchingProtocolsCommits(t *testing.T) {
	st := newJournalStore()
	m := newManager(t, st)
	s := newSite(t, "HTTP/1.1", m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		increment(w, r)
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		if got := st.ops(); got != "create" {
			t.Errorf("101 asked the store for %q, want a create", got)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		echo(rw.Reader, conn)
	})))
	r := s.request(http.MethodGet, "/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols || !sets(response.Header, "__Host-session") {
		t.Fatalf("the answer is %s with %v", response.Status, response.Header)
	}
	if got := talk(t, response.Body.(io.ReadWriter)); got != "hello\n" {
		t.Errorf("the echo of hello is %q", got)
	}
	if n := s.browser().read(m).Count; n != 1 {
		t.Errorf("Count = %d, want 1", n)
	}
}

// echo sends one line back.
func echo(r *bufio.Reader, w io.Writer) {
	line, _ := r.ReadString('\n')
	_, _ = io.WriteString(w, line)
}

// talk says hello on an upgraded connection and returns the reply.
func talk(t *testing.T, conn io.ReadWriter) string {
	t.Helper()
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return reply
}
