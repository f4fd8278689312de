package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
)

// startRedis starts a Redis server that ends with the test, and returns its URL.
func startRedis(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("TYPEDSESSION_REQUIRE_SERVERS") == "1" {
			t.Fatal("redis-server is not on PATH, and TYPEDSESSION_REQUIRE_SERVERS=1 asks for it")
		}
		t.Skip("redis-server is not on PATH")
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	// The shell waits for the end of its input, which comes even when this
	// process is killed, and then ends the server.
	cmd := exec.Command("sh", "-c", `"$@" & read -r line; kill $!; wait`, "sh",
		path, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait() //nolint:errcheck // it was killed
	})
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err == nil {
			conn.Close()
			return "redis://" + addr
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("redis-server does not answer: %v", err)
		}
	}
}

func TestTwoProcessesOnOneRedisAreOneShop(t *testing.T) {
	t.Parallel()
	key, redisURL := session.NewKey().Encode(), startRedis(t)
	one := startProgram(t, key, "-store", "redis", "-redis", redisURL)
	two := startProgram(t, key, "-store", "redis", "-redis", redisURL)
	here := one.browser(t, "redis")
	here.agent = firefoxOnLinux
	there := here.at(two)

	here.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
	there.send("/cart/add", "/#mug", "product", "mug", "quantity", "2")
	here.get("/cart").wants(t, `name="quantity" value="3"`)
	here.send("/coupon", "/cart", "code", couponCode)
	there.post("/coupon", "code", couponCode).wants(t, "You have redeemed this coupon already")

	there.signIn("/")
	here.get("/account").wants(t, "You are signed in as Ada")
	here.get("/session").wants(t, "Redis holds the session")
	if a, b := sessionID(t, here), sessionID(t, there); a != b {
		t.Errorf("the session is %s in one process and %s in the other", a, b)
	}

	// A second browser ends the session, which holds in the other process for
	// what runs there already.
	phone := two.browser(t, "redis")
	phone.agent = chromeOnPhone
	phone.signIn("/")
	phone.get("/account").wants(t, "Firefox on Linux", "Chrome on Android")
	stream := here.listen()
	phone.send("/account/device", "/account", "id", sessionID(t, here))
	if here.isSignedIn() || there.isSignedIn() || !phone.at(one).isSignedIn() {
		t.Error("not the session alone that was signed out has ended")
	}
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("the clock was cut off: %v", err)
	}
	here.isTold()

	// What one process has saved outlives it.
	phone.send("/cart/add", "/#vase", "product", "vase", "quantity", "1")
	if stderr := two.stop(t); strings.TrimSpace(stderr) != "" {
		t.Errorf("stderr is %q", stderr)
	}
	phone.at(one).get("/cart").wants(t, "Bud vase")
}
