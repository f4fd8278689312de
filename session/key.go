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
type Key struct {
	// Printing follows a pointer only at the top level, and reflection cannot
	// take an unexported one from another package: of the ways to hide bytes
	// from fmt, slog and the encoders this one leaks in none.
	bytes *[seal.KeySize]byte
}

// NewKey draws a key from the operating system's random source.
func NewKey() Key {
	k := Key{new([seal.KeySize]byte)}
	rand.Read(k.bytes[:])
	return k
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
	return Key{(*[seal.KeySize]byte)(b)}, nil
}

// Encode returns the key as base64 text in the URL alphabet without padding,
// for [ParseKey]. It is a secret: keep it where secrets are kept.
func (k Key) Encode() string {
	if k.bytes == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(k.bytes[:])
}
