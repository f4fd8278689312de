package frameworks_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coder "github.com/coder/websocket"
)

func testPanic(t *testing.T, p place) {
	t.Run("recovered inside", func(t *testing.T) {
		// What recovers inside of the session answers for the handler: this is
		// a response like any other, and saves what was changed before.
		s := p.start(t, func(a *app) { a.inside = recovery })
		s.refuses(http.MethodGet, "/panic")
		a := s.get("/panic")
		s.begins(a, http.StatusInternalServerError)
		s.counts(1)
	})
	t.Run("recovered outside", func(t *testing.T) {
		s := p.start(t, func(a *app) { a.outside = recovery })
		for _, want := range []int{0, 1} {
			a := s.get("/panic")
			if a.StatusCode != http.StatusInternalServerError || len(a.Cookies()) > 0 {
				t.Errorf("%s %v", a.Status, a.Header)
			}
			s.counts(want)
			s.get("/json")
		}
		s.counts(2)
	})
}

func testCompression(t *testing.T, p place) {
	for name, option := range map[string]func(*app){
		"inside":  func(a *app) { a.inside = compression },
		"outside": func(a *app) { a.outside = compression },
	} {
		t.Run(name, func(t *testing.T) {
			compressed := 0
			for _, path := range []string{"/json", "/error", "/stream", "/files/page.txt"} {
				var want string
				count := 1
				switch {
				case path == "/stream" && (p.open != nil || p.holes["stream"] != ""),
					path == "/files/page.txt" && p.holes["static file"] != "":
					continue
				case path == "/stream":
					want, count = "1\n2\n", 2
				case path == "/files/page.txt":
					want = page
				}
				s := p.start(t, option)
				if want != page || p.flaws["refuse a compressed file"] == "" {
					s.refuses(http.MethodGet, path)
				}
				if path == "/stream" {
					s.app.proceed <- struct{}{}
				}
				a := s.get(path)
				s.carries(a.Header)
				if a.Uncompressed { // by the client
					compressed++
				}
				if want != "" && a.body != want {
					t.Errorf("%s: %.40q", path, a.body)
				}
				s.counts(count)
			}
			if compressed == 0 { // some leave errors and short ones alone
				t.Error("nothing was compressed")
			}
		})
	}
}

func testReverseProxy(t *testing.T, p place) {
	t.Run("behind the session", func(t *testing.T) {
		s := p.start(t, func(a *app) { a.proxy, a.target = a.proxyTo(t, http.HandlerFunc(elsewhere)) })
		// A ReverseProxy that cannot write aborts the connection, so that the
		// client may not get to see the ErrorHandler's answer. Nor must it see
		// the other server's.
		s.down(func() {
			response, err := s.client.Do(s.newRequest(http.MethodGet, "/proxy/page"))
			if err == nil {
				response.Body.Close()
				if response.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("while the store is down: %s %v", response.Status, response.Header)
				}
			}
		})
		s.counts(0)
		s.passes(s.get("/proxy/page"))
		s.counts(1)
	})
	t.Run("in front of the session", func(t *testing.T) {
		s := p.start(t, func(a *app) {
			a.front = func(h http.Handler) http.Handler {
				proxy, _ := a.proxyTo(t, h)
				return proxy
			}
		})
		s.refuses(http.MethodGet, "/json")
		a := s.get("/error")
		s.begins(a, http.StatusConflict)
		s.counts(1)
		flow := s.flow("/stream")
		defer flow.close()
		flow.expect(t, "2")
		s.app.proceed <- struct{}{}
		flow.expect(t, "3")
		flow.expect(t, "")
		s.counts(3)
	})
	if p.proto != 1 {
		return
	}
	t.Run("upgraded behind the session", func(t *testing.T) {
		s := p.start(t, func(a *app) { a.proxy, a.target = a.proxyTo(t, http.HandlerFunc(elsewhere)) })
		s.upgrades("/proxy/socket")
		s.counts(1)
	})
	if p.holes["WebSocket"] != "" {
		return
	}
	t.Run("upgraded in front of the session", func(t *testing.T) {
		s := p.start(t, func(a *app) {
			a.front = func(h http.Handler) http.Handler {
				proxy, _ := a.proxyTo(t, h)
				return proxy
			}
		})
		s.upgrades("/coder")
		s.counts(3)
	})
}

// proxyTo starts a server and returns a proxy to it, and its address.
func (a *app) proxyTo(t *testing.T, h http.Handler) (*httputil.ReverseProxy, *url.URL) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(a.log, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: server.Client().Transport,
		ErrorLog:  server.Config.ErrorLog,
	}, target
}

// passes fails the test unless the other server's answer has come with a session.
func (s *site) passes(a answer) {
	s.t.Helper()
	// Its cookies pass, except the one that is named as ours.
	if want := []string{"elsewhere", "__Host-session"}; !slices.Equal(setCookies(a.Header), want) {
		s.t.Errorf("cookies %q, want %q", setCookies(a.Header), want)
	}
	if a.StatusCode != http.StatusOK || a.body != "elsewhere" || a.Header.Get("Cache-Control") != "no-store" || !varies(a.Header) {
		s.t.Errorf("%s %q %v", a.Status, a.body, a.Header)
	}
	if strings.Contains(strings.Join(a.Header["Set-Cookie"], ""), "planted") {
		s.t.Errorf("planted: %q", a.Header["Set-Cookie"])
	}
}

// elsewhere is a server that would rather be us.
func elsewhere(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/proxy/page" {
		w.Header().Set("Cache-Control", "public")
		w.Header().Add("Set-Cookie", "elsewhere=1")
		w.Header().Add("Set-Cookie", "__Host-session=planted; Path=/; Secure")
		fmt.Fprint(w, "elsewhere")
		return
	}
	conn, err := coder.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for n := 2; ; n++ {
		if _, _, err := conn.Read(r.Context()); err != nil {
			return
		}
		if err := conn.Write(r.Context(), coder.MessageText, []byte(strconv.Itoa(n))); err != nil {
			return
		}
	}
}

func testTimeoutHandler(t *testing.T, p place) {
	t.Run("outside, in time", func(t *testing.T) {
		s := p.start(t, func(a *app) {
			a.front = func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Hour, "") }
		})
		s.refuses(http.MethodGet, "/json")
		a := s.get("/json")
		s.begins(a, http.StatusOK)
		s.counts(1)
	})
	t.Run("outside, too late", func(t *testing.T) {
		done := make(chan struct{})
		s := p.start(t, func(a *app) {
			a.front = func(h http.Handler) http.Handler {
				late := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					h.ServeHTTP(w, r)
					close(done)
				}), time.Millisecond, "too late")
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-Late") != "" {
						late.ServeHTTP(w, r)
					} else {
						h.ServeHTTP(w, r)
					}
				})
			}
		})
		a := s.ask(http.MethodGet, "/slow", "X-Late", "1")
		<-done
		if a.StatusCode != http.StatusServiceUnavailable || a.body != "too late" || len(a.Cookies()) > 0 {
			t.Errorf("%s %q %v", a.Status, a.body, a.Header)
		}
		// The client has been told that it failed, and so it has.
		if ops := s.store.asked(); ops != "" {
			t.Errorf("the store was asked for %q", ops)
		}
		s.counts(0)
	})
	t.Run("inside", func(t *testing.T) {
		// TimeoutHandler's answer is a response like any other. What its handler
		// does when the request is over changes nothing.
		s := p.start(t)
		a := s.get("/limited")
		s.begins(a, http.StatusServiceUnavailable)
		if a.body != "too late" {
			t.Errorf("body %q", a.body)
		}
		s.app.proceed <- struct{}{}
		<-s.app.done
		s.counts(1)
	})
}

// testOverlap sends requests that have all loaded the session before the first
// of them changes it.
func testOverlap(t *testing.T, p place) {
	const n = 4
	s := p.start(t, func(a *app) { a.meet = meeting(n) })
	s.get("/json")
	var group sync.WaitGroup
	for range n {
		r := s.newRequest(http.MethodGet, "/meet")
		group.Go(func() {
			response, err := s.client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK || len(response.Cookies()) > 0 || !varies(response.Header) {
				t.Errorf("%s %v", response.Status, response.Header)
			}
		})
	}
	group.Wait()
	s.counts(1 + n)
}

// meeting returns a function that returns when it has been called n times.
func meeting(n int) func(context.Context) {
	var called atomic.Int64
	all := make(chan struct{})
	return func(ctx context.Context) {
		if called.Add(1) == int64(n) {
			close(all)
		}
		select {
		case <-all:
		case <-ctx.Done():
		}
	}
}
