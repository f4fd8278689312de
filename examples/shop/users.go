package main

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"strings"
	"sync"
)

// User is a person with an account.
type User struct {
	ID      string
	Name    string
	Address string

	password password
}

// password is what is kept of a password: a hash of it, and how that was made.
type password struct {
	salt   string
	hash   string // PBKDF2-HMAC-SHA256, base64
	rounds int
}

// users are the accounts that the shop begins with, by the name to sign in with.
// Their passwords stand on the sign-in page; what is kept of them is what a real
// shop would keep.
var users = map[string]User{
	"ada": {"u1", "Ada", "12 St James's Square, London", password{
		"3TXDGPNROPVOM7ZJ", "FGLtngQXz7Vq49HzCJTGMYzJwgJvONI5mXRYN4sXi4I", rounds,
	}},
	"grace": {"u2", "Grace", "8 River House, Arlington", password{
		"MBRM2R2G75ULFAAG", "j8c+8oDEMNIF22Rvijb28W/56eTJMn2uMqKdA6JbQN0", rounds,
	}},
}

// rounds is what OWASP's Password Storage Cheat Sheet asks of PBKDF2 with
// HMAC-SHA256. They take a core 0.15 s, for a guess as for a login.
const rounds = 600_000

// accounts are the users of one running shop. A real shop keeps them in its
// database. Here a changed password is kept by this process alone, and until it
// ends, so that the passwords on the sign-in page work again after a restart.
type accounts struct {
	mu     sync.RWMutex
	byName map[string]User
}

func newAccounts() *accounts { return &accounts{byName: maps.Clone(users)} }

// authenticate returns the user of that name and password. A name that is
// unknown costs the same work as a wrong password, so that the time the answer
// takes does not tell which names have an account.
func (a *accounts) authenticate(name, given string) (User, bool) {
	a.mu.RLock()
	user, ok := a.byName[strings.ToLower(strings.TrimSpace(name))]
	a.mu.RUnlock()
	if !ok {
		user.password.rounds = rounds // and no hash, which nothing equals
	}
	return user, user.password.matches(given)
}

// byID finds the user that a session belongs to.
func (a *accounts) byID(id string) (User, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, user := range a.byName {
		if user.ID == id {
			return user, true
		}
	}
	return User{}, false
}

// setPassword replaces a user's password.
func (a *accounts) setPassword(id string, p password) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, user := range a.byName {
		if user.ID == id {
			user.password = p
			a.byName[name] = user
		}
	}
}

// newPassword returns what to keep of a password.
func newPassword(given string, rounds int) (password, error) {
	p := password{salt: rand.Text(), rounds: rounds}
	var err error
	p.hash, err = p.derive(given)
	return p, err
}

// matches reports whether given is the password, in a time that does not depend
// on how much of it is right.
func (p password) matches(given string) bool {
	hash, err := p.derive(given)
	return err == nil && subtle.ConstantTimeCompare([]byte(hash), []byte(p.hash)) == 1
}

// derive returns the hash that given has with this salt.
func (p password) derive(given string) (string, error) {
	key, err := pbkdf2.Key(sha256.New, given, []byte(p.salt), p.rounds, sha256.Size)
	return base64.RawStdEncoding.EncodeToString(key), err
}
