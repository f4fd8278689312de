package session

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// ID is the public handle of a session: 128 random bits. It is not a
// credential, so it may be logged, shown on a page that lists a user's devices,
// and used as a store key. It stays the same when the credential is renewed.
// The zero ID belongs to no session.
type ID [16]byte

// newID draws an ID.
func newID() ID {
	var id ID
	rand.Read(id[:])
	return id
}

// ParseID parses the 32 hexadecimal digits that [ID.String] prints.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != hex.EncodedLen(len(id)) {
		return ID{}, fmt.Errorf("session: ID of %d characters, want %d", len(text), hex.EncodedLen(len(id)))
	}
	for i := range id {
		hi, lo := digit(text[2*i]), digit(text[2*i+1])
		if hi > 15 || lo > 15 {
			return ID{}, fmt.Errorf("session: ID is not lower-case hexadecimal at character %d", 2*i)
		}
		id[i] = hi<<4 | lo
	}
	return id, nil
}

// digit returns the value of a lower-case hexadecimal digit, or 255. Upper case
// is refused so that each ID has one spelling, and a store one key for it.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// String returns the ID as 32 hexadecimal digits in lower case.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (id ID) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, id[:]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts what
// [ParseID] accepts and leaves the ID as it was on an error.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}
