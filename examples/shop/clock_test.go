package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// ended is what a browser is told whose session has.
const ended = "event: ended\ndata: signed out\n\n"

// listen opens the clock's stream and returns it after the first event.
func (b *browser) listen() *bufio.Reader {
	b.t.Helper()
	stream := b.openStream()
	b.hears(stream)
	return stream
}

// openStream opens the clock's stream, which breaks after 20 seconds if it has
// not ended.
func (b *browser) openStream() *bufio.Reader {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	b.t.Cleanup(cancel)
	res, err := b.client.Do(b.request("GET", "/clock/events", nil).WithContext(ctx))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" {
		b.t.Fatalf("the stream began with %s, Content-Type %q", res.Status, got)
	}
	return bufio.NewReader(res.Body)
}

// isTold fails the test unless the stream tells that the session has ended, and
// ends.
func (b *browser) isTold() {
	b.t.Helper()
	if said, err := io.ReadAll(b.openStream()); err != nil || string(said) != ended {
		b.t.Errorf("asked again, the shop said %q, error %v; want %q", said, err, ended)
	}
}

// hears reads an event that tells the time.
func (b *browser) hears(stream *bufio.Reader) {
	b.t.Helper()
	var event strings.Builder
	for !strings.HasSuffix(event.String(), "\n\n") {
		line, err := stream.ReadString('\n')
		if err != nil {
			b.t.Fatalf("the stream ended: %v", err)
		}
		event.WriteString(line)
	}
	if !regexp.MustCompile(`data: \d\d:\d\d:\d\d\n\n$`).MatchString(event.String()) {
		b.t.Fatalf("the stream said %q", &event)
	}
}

func TestSigningOutEndsTheClockElsewhere(t *testing.T) {
	t.Parallel()
	laptop, phone := twoDevices(openShop(t, "memory"))
	stream := laptop.listen()
	phone.send("/account/device", "/account", "id", sessionID(t, laptop))
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	laptop.isTold()
	if laptop.isSignedIn() || !phone.isSignedIn() {
		t.Error("not the session alone that was signed out has ended")
	}
}

func TestClockTicksUntilTheSessionEnds(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, b *browser) {
		laptop, phone := twoDevices(b)
		said := make(chan string)
		begun := time.Now()
		go func() { said <- laptop.get("/clock/events").text }()
		time.Sleep(time.Hour + time.Second/2)
		phone.send("/account/others", "/account")
		revoked := time.Now()
		var text string
		select {
		case text = <-said:
		case <-time.After(time.Minute):
			t.Fatal("the clock does not stop")
		}
		lived, late := time.Since(begun), time.Since(revoked)

		if bound := map[string]time.Duration{"memory": 0, "cookie": 5 * time.Second}[b.kind]; late > bound {
			t.Errorf("the clock stopped after %v, want %v at most", late, bound)
		}
		first := strings.Index(text, "data: ")
		if got, want := strings.Count(text, "data: "), int(lived/time.Second)+1; got != want {
			t.Errorf("%d times were told in %v, want %d", got, lived, want)
		}
		if !strings.HasPrefix(text[first:], "data: 00:00:00\n\ndata: 00:00:01\n\n") {
			t.Errorf("the clock began with %.60q", text[first:])
		}
	})
}

func TestClockGoesOnWhenTheSecretIsRenewed(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	b.signIn("/")
	stream := b.listen()
	b.send("/confirm", "/clock", "name", "ada", "password", "analytical", "next", "/clock")
	if _, err := io.ReadAll(stream); err != nil { // which carried the old secret
		t.Errorf("the stream broke: %v", err)
	}
	b.listen()
}

func TestTheServersTimeoutDoesNotCutTheClock(t *testing.T) {
	t.Parallel()
	handler, err := newShop(memory.New(), "memory", session.NewKey(), "", t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.WriteTimeout = time.Millisecond
	srv.Start() // a handshake of TLS would be too slow for it
	t.Cleanup(srv.Close)
	b := newBrowser(t, "memory", strings.Replace(srv.URL, "http", "https", 1), direct{handler})
	b.signIn("/") // past the server
	b.client.Transport = endsTLS{}
	b.hears(b.listen())
}

func TestClockEndsWithTheShop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		handler, err := newShop(memory.New(), "memory", session.NewKey(), "", closing)
		if err != nil {
			t.Fatal(err)
		}
		b := newBrowser(t, "memory", "https://shop.example", direct{handler})
		b.signIn("/")
		said := make(chan string)
		go func() { said <- b.get("/clock/events").text }()
		time.Sleep(time.Second / 2)
		close(closing)
		synctest.Wait()
		select {
		case text := <-said:
			if strings.Contains(text, ended) {
				t.Error("it was taken for the end of the session")
			}
		default:
			t.Error("the shop would wait for the clock")
		}
	})
}

func TestOnlyTheClockHasAScript(t *testing.T) {
	t.Parallel()
	b := openShop(t, "memory")
	b.signIn("/")
	a := b.get("/clock")
	const want = contentSecurity + "; script-src 'self'; connect-src 'self'"
	if got := a.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy of the clock is %q, want %q", got, want)
	}
	a.wants(t, `<script src="/static/clock.js" defer></script>`, "<noscript>", "at once")
	a.lacks(t, "style=", "javascript:")
	if n := strings.Count(a.text, "<script"); n != 1 {
		t.Errorf("%d scripts, want 1", n)
	}
	js := b.get("/static/clock.js")
	if got := js.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("Content-Type of the script is %q", got)
	}
	for _, m := range regexp.MustCompile(`say\(.*`).FindAllString(js.text, -1) {
		for _, state := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(m, -1) {
			a.wants(t, `data-state="`+state[1]+`" hidden`)
		}
	}
}
