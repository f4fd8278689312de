package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// KeySize is the length of a configured key in bytes. Its bytes must be
// uniformly random: nothing here stretches a password.
const KeySize = 32

const (
	versionSealed = 1
	versionSigned = 2

	keyIDSize  = 4
	headerSize = 1 + keyIDSize // version, key id

	maxPurpose = 255 // its length is one byte of the context
)

// ErrOpen is the error of every failure to open a value. It does not say which
// check failed, so that an attacker who made the value cannot learn it from a
// caller's response.
var ErrOpen = errors.New("seal: value does not open")

// Ring is the configured keys. It is immutable and safe for concurrent use.
type Ring struct {
	keys func() [][KeySize]byte // see Hide
}

// keyID says which keys of a ring may open a value. It is derived for each
// purpose, so that the values of one key cannot be recognised across purposes.
// Two keys have the same id once in 2^32, which costs an attempt and nothing
// else: every key with that id is tried.
type keyID [keyIDSize]byte

// NewRing returns the ring of the given keys, newest first. Returns an error if
// there is no key, if a key repeats another (a rotation that did not happen), and
// if a key is all zeros (a variable that was never set).
func NewRing(keys ...[KeySize]byte) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no key")
	}
	index := make(map[[KeySize]byte]int, len(keys))
	for i, key := range keys {
		if key == ([KeySize]byte{}) {
			return nil, fmt.Errorf("seal: key %d is all zeros", i)
		}
		if first, ok := index[key]; ok {
			return nil, fmt.Errorf("seal: key %d repeats key %d", i, first)
		}
		index[key] = i
	}
	// A build whose AES lacks this mode must fail at start, not at the first
	// request.
	block, err := aes.NewCipher(keys[0][:])
	if err == nil {
		_, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		return nil, fmt.Errorf("seal: %v", err)
	}
	return &Ring{Hide(slices.Clone(keys))}, nil
}

// Hide returns v in a closure, where printing does not find it. It would find it
// behind a pointer: for a verb that pointers do not have, such as %s, package fmt
// reports the mistake together with what the pointer points to. It never looks
// into a function, and so does not read what another goroutine may be writing.
func Hide[T any](v T) func() T { return func() T { return v } }

// subkey derives the secret and its id from a configured key, for a kind of value
// and a purpose. Kinds hold no space, so that two pairs of kind and purpose never
// give the same info.
func subkey(key [KeySize]byte, kind, purpose string) (secret []byte, id keyID) {
	info := "typedsession v1 " + kind + " " + purpose
	okm, err := hkdf.Key(sha256.New, key[:], nil, info, KeySize+keyIDSize)
	if err != nil {
		panic(err) // fails only for other lengths than these
	}
	return okm[:KeySize:KeySize], keyID(okm[KeySize:])
}

// binding is the beginning of the context, which is the same for all values
// of a purpose.
func binding(version byte, purpose string) []byte {
	if purpose == "" || len(purpose) > maxPurpose {
		panic(fmt.Sprintf("seal: purpose of %d bytes, want 1 to %d", len(purpose), maxPurpose))
	}
	return append([]byte{version, byte(len(purpose))}, purpose...)
}

// appendContext appends everything that a value is bound to. Purpose and ad are
// both preceded by their length, so that no other pair of them, and no plaintext
// after the ad, encodes to the same bytes.
func appendContext(dst, binding, ad []byte) []byte {
	dst = append(dst, binding...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(ad)))
	return append(dst, ad...)
}
