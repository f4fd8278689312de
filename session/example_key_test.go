package session_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
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
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "session.key")

	first, err := session.LoadOrCreateKey(path)
	fmt.Println("created:", err)
	again, err := session.LoadOrCreateKey(path)
	fmt.Println("loaded:", err, first.Encode() == again.Encode())
	// Output:
	// created: <nil>
	// loaded: <nil> true
}

// A key is replaced in two steps, so that no process meets a token under a key
// that it does not know: first the new key is added at the end everywhere, then it
// is moved to the front everywhere. Tokens under the old key stay valid.
func ExampleConfig_keys() {
	records := memory.New()
	visit := func(keys []session.Key, cookies ...*http.Cookie) []*http.Cookie {
		manager, err := session.NewManager(records, session.Config[Visit]{
			Keys:    keys,
			Subject: func(v *Visit) string { return v.UserID },
		})
		if err != nil {
			panic(err)
		}
		response := open(manager.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[Visit]) {
			if s.IsNew() {
				s.Login(func(v *Visit) { v.UserID = "alice" })
			}
			fmt.Println(s.State().UserID, "new session:", s.IsNew())
		}), "/", cookies...)
		return response.Cookies()
	}

	former, next := session.NewKey(), session.NewKey()
	cookies := visit([]session.Key{former, next})
	cookies = visit([]session.Key{next, former}, cookies...) // under the new key from now on
	visit([]session.Key{next}, cookies...)
	// Output:
	// alice new session: true
	// alice new session: false
	// alice new session: false
}
