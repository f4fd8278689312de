package frameworks_test

import (
	"net/http"
	"testing"
)

// host is a web framework, and one way to put a Manager into it.
type host struct {
	name string

	// build returns an application with the routes that app lists.
	build func(*app) http.Handler

	// holes says, for each behaviour that does not exist here, why not.
	holes map[string]string

	// flaws says, for a case within a behaviour, why it is left out: the
	// framework gets it wrong with or without a session.
	flaws map[string]string

	// request makes a request; nil means a plain one.
	request func(s *site, method, path string) *http.Request

	// open asks for a response that goes on, when the store is up; nil means
	// one that consists of lines.
	open func(s *site, path string) *flow

	// serve starts a server other than net/http's; nil means that one.
	serve func(s *site, a *app)
}

// hosts are the frameworks. How many holes and flaws a framework has is written
// beside it, so that none is added in silence.
var hosts = []struct {
	host
	holes, flaws int
}{
	{muxHost, 0, 0},
	{chiHost, 0, 0},
	{echoHost, 0, 0},
	{echoOuterHost, 0, 0},
	{ginHost, 0, 0},
	{ginMiddlewareHost, 0, 0},
	{connectHost, 5, 0},
	{fiberHost, 6, 1},
	{fiberAdaptorHost, 3, 1},
}

// place is a host and the version of HTTP that it is asked over.
type place struct {
	host
	proto int
}

type behaviour struct {
	name string
	test func(*testing.T, place)
	// upgrades means that HTTP/2 has nothing of the kind: a connection that
	// carries many streams cannot be handed over. RFC 9113 section 8.6.
	upgrades bool
}

// behaviours returns what each host is tested for.
func behaviours() []behaviour {
	return []behaviour{
		{name: "JSON", test: testJSON},
		{name: "redirect", test: testRedirect},
		{name: "stream", test: testStream},
		{name: "error", test: testError},
		{name: "panic", test: testPanic},
		{name: "not found", test: testNotFound},
		{name: "static file", test: testStaticFile},
		{name: "events", test: testEvents},
		{name: "WebSocket", test: testWebSocket, upgrades: true},
		{name: "compression", test: testCompression},
		{name: "ReverseProxy", test: testReverseProxy},
		{name: "TimeoutHandler", test: testTimeoutHandler},
		{name: "HTTP/2", test: testHTTP2},
		{name: "HEAD", test: testHEAD},
		{name: "overlap", test: testOverlap},
	}
}

func TestHosts(t *testing.T) {
	for _, entry := range hosts {
		h := entry.host
		t.Run(h.name, func(t *testing.T) {
			filled := 0
			for _, b := range behaviours() {
				if reason := h.holes[b.name]; reason != "" {
					t.Logf("no %s: %s", b.name, reason)
					continue
				}
				filled++
				t.Run(b.name, func(t *testing.T) { b.test(t, place{h, 1}) })
			}
			if want := len(behaviours()) - entry.holes; filled != want || len(h.holes) != entry.holes {
				t.Errorf("%d behaviours tested, want %d; %d reasons for others, want %d",
					filled, want, len(h.holes), entry.holes)
			}
			if len(h.flaws) != entry.flaws {
				t.Errorf("%d flaws, want %d", len(h.flaws), entry.flaws)
			}
		})
	}
}

// testHTTP2 tests everything else once more, over HTTP/2.
func testHTTP2(t *testing.T, p place) {
	for _, b := range behaviours() {
		if b.name != "HTTP/2" && !b.upgrades && p.holes[b.name] == "" {
			t.Run(b.name, func(t *testing.T) { b.test(t, place{p.host, 2}) })
		}
	}
}
