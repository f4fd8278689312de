package session_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/typedsession/typedsession/session"
)

func ExampleNewKey() {
	key := session.NewKey()
	fmt.Println(len(key.Encode()), "characters for the secret store")
	fmt.Printf("a key does not print itself: %t\n", fmt.Sprint(key) != key.Encode())
	// Output:
	// 43 characters for the secret store
	// a key does not print itself: true
}

// A program that runs on several machines takes the key from its environment.
func ExampleParseKey() {
	_, err := session.ParseKey(os.Getenv("UNSET_SESSION_KEY"))
	fmt.Println(err)
	_, err = session.ParseKey("bWFkZSBmb3IgdGhlIGV4YW1wbGUsIDMyIGJ5dGVzISE=")
	fmt.Println(err)
	// Output:
	// session: key is empty: is the variable set? NewKey().Encode() makes one
	// <nil>
}

// A program that has a random secret for other purposes derives the key from it.
func ExampleDeriveKey() {
	secret := []byte("32 random bytes, from a secret store")
	one, err := session.DeriveKey(secret)
	if err != nil {
		fmt.Println(err)
	}
	two, err := session.DeriveKey(secret)
	fmt.Println(one.Encode() == two.Encode(), err)

	_, err = session.DeriveKey([]byte("hunter2"))
	fmt.Println(err)
	// Output:
	// true <nil>
	// session: secret of 7 bytes, want at least 16
}

// A program that runs on one machine keeps the key in a file.
func ExampleLoadOrCreateKey() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "session.key")

	first, err := session.LoadOrCreateKey(path)
	fmt.Println("created:", err)
	again, err := session.LoadOrCreateKey(path)
	fmt.Println("loaded:", err, first.Encode() == again.Encode())
	// Output:
	// created: <nil>
	// loaded: <nil> true
}

// The second step of a rotation, when every process knows the new key. In the
// first step the new key is at the end.
func ExampleConfig_keys() {
	old := session.NewKey()
	before := newExample(func(cfg *session.Config[Visit]) { cfg.Keys = []session.Key{old} })
	after := newExample(func(cfg *session.Config[Visit]) { cfg.Keys = []session.Key{session.NewKey(), old} })
	fmt.Println(before != nil, after != nil)
	// Output: true true
}
