package session_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// line reads one line of a response that goes on.
func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHostServerSentEvents(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		m := newManager(t, newSpyStore())
		next := make(chan struct{})
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			w.Header().Set("Content-Type", "text/event-stream")
			flusher := w.(http.Flusher) // as many libraries ask for it
			flusher.Flush()
			for i := range 3 {
				<-next
				increment(w, r)
				if i < 2 {
					if err := from(r).Save(r.Context()); err != nil {
						t.Errorf("Save: %v", err)
					}
				}
				fmt.Fprintf(w, "data: %d\n", i)
				flusher.Flush()
			}
		})))
		response, err := s.client.Do(s.request(http.MethodGet, "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if !sets(response.Header, "__Host-session") {
			t.Errorf("header: %v", response.Header)
		}
		events := bufio.NewReader(response.Body)
		for i := range 3 {
			// Other requests see what has been saved by now.
			if n := s.browser().read(m).Count; n != i+1 {
				t.Errorf("before event %d Count = %d, want %d", i, n, i+1)
			}
			next <- struct{}{}
			if got, want := line(t, events), fmt.Sprintf("data: %d\n", i); got != want {
				t.Errorf("event %q, want %q", got, want)
			}
		}
		if _, err := io.ReadAll(events); err != nil {
			t.Error(err)
		}
		if n := s.browser().read(m).Count; n != 4 {
			t.Errorf("Count = %d at the end, want 4", n)
		}
	})
}

// Some libraries take the connection first and write the 101 themselves. They
// let the caller give them header fields: those of the ResponseWriter have the
// cookie by then.
func TestHostWebSocketThatWritesIts101(t *testing.T) {
	st := newJournalStore()
	m := newManager(t, st)
	closed := make(chan struct{})
	wrapped := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		increment(w, r)
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		upgrade(t, rw, w.Header())
		echo(rw.Reader, conn)
		increment(w, r) // and the session is still there
		if err := from(r).Save(r.Context()); err != nil {
			t.Errorf("Save: %v", err)
		}
		if _, err := w.Write(nil); err == nil {
			t.Error("a Write after Hijack worked")
		}
		increment(w, r)
	}))
	s := newSite(t, "HTTP/1.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(closed)
		wrapped.ServeHTTP(w, r)
	}))
	s.upgrade(t)
	<-closed
	if ops := st.ops(); ops != "create update update" {
		t.Errorf("the store was asked for %q", ops)
	}
	if n := s.browser().read(m).Count; n != 3 {
		t.Errorf("Count = %d, want 3", n)
	}
}

// upgrade writes a 101 with these header fields.
func upgrade(t *testing.T, rw *bufio.ReadWriter, header http.Header) {
	t.Helper()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n")
	_ = header.Write(rw)
	_, _ = rw.WriteString("\r\n")
	if err := rw.Flush(); err != nil {
		t.Error(err)
	}
}

// upgrade asks for an upgraded connection, which must come with a cookie, and
// tries it.
func (s *site) upgrade(t *testing.T) {
	t.Helper()
	r := s.request(http.MethodGet, "/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols || !sets(response.Header, "__Host-session") {
		t.Fatalf("answer: %s %v", response.Status, response.Header)
	}
	if got := talk(t, response.Body.(io.ReadWriter)); got != "hello\n" {
		t.Errorf("the echo of hello is %q", got)
	}
}

// A hijack that comes to nothing leaves a response to be written.
func TestHostHijackFails(t *testing.T) {
	w := httptest.NewRecorder()
	handler := newManager(t, newSpyStore()).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		increment(w, r)
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("no error")
		}
		http.Error(w, "no upgrade", http.StatusUpgradeRequired)
	}))
	handler.ServeHTTP(noHijack{w}, newBrowser(t, nil).request("/"))
	if w.Code != http.StatusUpgradeRequired || !sets(w.Header(), "__Host-session") {
		t.Errorf("answer: %d %v", w.Code, w.Header())
	}
}

type noHijack struct{ *httptest.ResponseRecorder }

func (noHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrHijacked
}

func TestHostReverseProxy(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			upgrade(t, rw, http.Header{"X-Upstream": {"1"}})
			echo(rw.Reader, conn)
			return
		}
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "public")
		w.Header().Add("Set-Cookie", "upstream=1")
		if r.URL.Path == "/plant" {
			w.Header().Add("Set-Cookie", "__Host-session=planted; Path=/; Secure")
		}
		fmt.Fprint(w, "text")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set(http.TrailerPrefix+"X-Sum", "4")
	}))
	defer upstream.Close()
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	newProxy := func() *httputil.ReverseProxy {
		return &httputil.ReverseProxy{
			Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
			FlushInterval: -1,
		}
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		st := newJournalStore()
		m := newManager(t, st)
		proxy := newProxy()
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			proxy.ServeHTTP(w, r)
		})))
		proxy.ErrorLog = s.Config.ErrorLog
		got := s.get("/plant")
		if len(got.informational) != 1 || got.informational[0].header.Get("Link") == "" || len(setCookies(got.informational[0].header)) > 0 {
			t.Errorf("informational responses: %v", got.informational)
		}
		if got.body != "text" || !sets(got.Header, "upstream", "__Host-session") || got.Trailer.Get("X-Sum") != "4" {
			t.Errorf("answer: %q %v %v", got.body, got.Header, got.Trailer)
		}
		if got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control: %v", got.Header["Cache-Control"])
		}
		if n := s.browser().read(m).Count; n != 1 {
			t.Errorf("Count = %d, want 1", n)
		}
		// The upstream breaks off: so does the answer, after the commit.
		s.mayLog = true // ReverseProxy reports that
		response, err := s.client.Do(s.request(http.MethodGet, "/abort", nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(response.Body); err == nil {
			t.Error("the body came to a good end")
		}
		response.Body.Close()
		if n := s.browser().read(m).Count; n != 2 {
			t.Errorf("Count = %d, want 2", n)
		}
		// A ReverseProxy aborts the connection when it cannot write, so that the
		// client may not get to see the ErrorHandler's answer. Nor must it see
		// the upstream's.
		st.fail("update")
		response, err = s.client.Do(s.request(http.MethodGet, "/", nil))
		if err == nil {
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusServiceUnavailable || strings.Contains(string(text), "text") {
				t.Errorf("a failed commit: %s %q %v", response.Status, text, response.Header)
			}
		}
	})
	t.Run("upgrade", func(t *testing.T) {
		proxy := newProxy()
		newSite(t, "HTTP/1.1", newManager(t, newSpyStore()).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			proxy.ServeHTTP(w, r)
		}))).upgrade(t)
	})
}
