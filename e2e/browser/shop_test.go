package browser_test

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
)

// shop is the example shop, as a process of its own.
type shop struct {
	t     *testing.T
	store string // memory, cookie or redis
	url   string
	warns bool // for a reason, on stderr
}

// eachStore runs a test with a shop on each of the stores.
func eachStore(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Parallel()
	for _, store := range []string{"memory", "cookie", "redis"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			test(t, openShop(t, store))
		})
	}
}

// openShop starts a shop on a free port. It ends with the test, which fails if
// the shop had anything to say.
func openShop(t *testing.T, store string, args ...string) *shop {
	t.Helper()
	args = append([]string{"-addr", "127.0.0.1:0", "-store", store}, args...)
	if store == "redis" {
		args = append(args, "-redis", "redis://"+redistest.Start(t).Addr)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(cmd.Environ(), "SESSION_KEY=2J2Ha3pbTQSIXSGlZGJ1p0g3iKuEZTAhAdEdLiD4xUs")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, store: store}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already, which Wait tells
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 && !s.warns {
			t.Errorf("the shop on %s ended with %v, and said:\n%s", store, err, &stderr)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "shop: listening on ")
	if err != nil || !ok {
		t.Fatalf("the shop on %s begins with %q, %v", store, line, err)
	}
	s.url = url
	return s
}

// visitor returns a tab of a browser that has never been to the shop, in it.
func (s *shop) visitor() *tab {
	s.t.Helper()
	b := newBrowser(s.t, s.url)
	b.open("/")
	return b
}

// held reports whether the shop holds the sessions, and not the browsers.
func (s *shop) held() bool { return s.store != "cookie" }

// signIn signs a user in, as one who is to be remembered or not.
func (b *tab) signIn(remember bool) {
	b.t.Helper()
	b.open("/login")
	b.fill("#name", "ada")
	b.fill("#password", "analytical")
	if remember {
		js[bool](b, "document.querySelector('[name=remember]').checked = true")
	}
	b.click("main form button")
	b.wants("Welcome, Ada.")
}

// signedIn reports what the shop says of this visitor.
func (b *tab) signedIn() bool {
	b.t.Helper()
	b.open("/account") // leads on to /login
	return b.path() == "/account"
}

// buy puts a product into the cart.
func (b *tab) buy(product string) {
	b.t.Helper()
	b.open("/")
	b.click("#" + product + " button")
	b.wants("is in your cart")
}

// receive waits for what must come.
func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("it does not come")
		panic("unreachable")
	}
}
