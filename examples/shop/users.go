package main

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// User is somebody with an account.
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

// users are the accounts, by the name to sign in with. Their passwords stand on
// the sign-in page; what is kept of them is what a real shop would keep.
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

// authenticate returns the user of that name and password. A name that is
// unknown costs the same work as a wrong password, so that the time the answer
// takes does not tell which names have an account.
func authenticate(name, given string) (User, bool) {
	user, ok := users[strings.ToLower(strings.TrimSpace(name))]
	if !ok {
		user.password.rounds = rounds // and no hash, which nothing equals
	}
	return user, user.password.matches(given)
}

// matches reports whether given is the password, in a time that does not depend
// on how much of it is right.
func (p password) matches(given string) bool {
	key, err := pbkdf2.Key(sha256.New, given, []byte(p.salt), p.rounds, sha256.Size)
	got := base64.RawStdEncoding.EncodeToString(key)
	return err == nil && subtle.ConstantTimeCompare([]byte(got), []byte(p.hash)) == 1
}

// userByID finds the user that a session belongs to.
func userByID(id string) (User, bool) {
	for _, u := range users {
		if u.ID == id {
			return u, true
		}
	}
	return User{}, false
}
