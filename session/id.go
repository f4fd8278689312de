package session

import "github.com/typedsession/typedsession/store"

// ID is the public handle of a session: 128 random bits. It is not a
// credential, so it may be logged, shown on a page that lists a user's devices,
// and used as a store key. It stays the same when the credential is renewed.
// The zero ID belongs to no session.
type ID = store.ID

// ParseID parses the 32 hexadecimal digits in lower case that [ID.String]
// prints. Its error says at which character the text is wrong.
func ParseID(text string) (ID, error) {
	id, err := store.ParseID(text)
	return id, wrap("parse ID", err)
}
