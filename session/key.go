package session

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/typedsession/typedsession/internal/seal"
)

// Key is a secret of 256 bits from which a [Manager] derives the keys that it
// encrypts and signs with. It shows nothing of itself when it is printed,
// logged or marshalled; only [Key.Encode] tells it. The zero Key is not valid.
type Key struct{ held *keyHolder }

// keyHolder puts a second pointer before the bytes. Printing follows one: it is
// enough to hide a key from %v, from slog and from the encoders, but a verb that
// does not fit a pointer, like %s, prints what it leads to.
type keyHolder struct{ bytes *[seal.KeySize]byte }

func holdKey(b [seal.KeySize]byte) Key { return Key{&keyHolder{&b}} }

// NewKey draws a key from the operating system's random source.
func NewKey() Key {
	var b [seal.KeySize]byte
	rand.Read(b[:])
	return holdKey(b)
}

// ParseKey parses a key of exactly 32 bytes from base64 text, in the standard or
// the URL alphabet, with or without padding; surrounding white space is
// ignored. Its error never quotes the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	b, err := encoding.Strict().DecodeString(text)
	if err != nil {
		return Key{}, errors.New("session: key is not base64")
	}
	if len(b) != seal.KeySize {
		return Key{}, fmt.Errorf("session: key of %d bytes, want %d", len(b), seal.KeySize)
	}
	return holdKey([seal.KeySize]byte(b)), nil
}

// Encode returns the key as base64 text in the URL alphabet without padding,
// for [ParseKey]. It is a secret: keep it where secrets are kept.
func (k Key) Encode() string {
	if k.held == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(k.held.bytes[:])
}
