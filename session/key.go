package session

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/typedsession/typedsession/internal/seal"
)

// Key is a secret of 256 bits from which a [Manager] derives the keys that it
// encrypts and signs with. Printing, logging and marshalling do not show it;
// only [Key.Encode] returns it. The zero Key is not valid.
type Key struct {
	bytes func() [seal.KeySize]byte // see seal.Hide
}

func holdKey(b [seal.KeySize]byte) Key { return Key{seal.Hide(b)} }

// NewKey draws a key from the operating system's random source.
func NewKey() Key {
	var b [seal.KeySize]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return holdKey(b)
}

// ParseKey parses a key of exactly 32 bytes from base64 text, in the standard or
// the URL alphabet, with or without padding. Surrounding white space is ignored.
// Its error says what the text looks like and never quotes it. Use [DeriveKey]
// for a secret of another form.
func ParseKey(text string) (Key, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	if text == "" {
		return Key{}, errors.New("session: key is empty: is the variable set? NewKey().Encode() makes one")
	}
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	b, err := encoding.Strict().DecodeString(text)
	if err == nil && len(b) == seal.KeySize {
		return holdKey([seal.KeySize]byte(b)), nil
	}
	if raw, hexErr := hex.DecodeString(text); hexErr == nil {
		return Key{}, fmt.Errorf("session: key is hexadecimal of %d bytes, want base64 of %d: "+
			"decode it and pass the bytes to DeriveKey", len(raw), seal.KeySize)
	}
	if err != nil {
		return Key{}, errors.New("session: key is not base64: pass a pass phrase or another secret to DeriveKey, " +
			"or make a key with NewKey().Encode()")
	}
	return Key{}, fmt.Errorf("session: key is base64 of %d bytes, want %d: "+
		"make one with NewKey().Encode(), or pass the secret to DeriveKey", len(b), seal.KeySize)
}

// minSecret is the length of the shortest secret that DeriveKey accepts.
const minSecret = 16

// DeriveKey derives a key from a secret that the application already has, by
// HKDF-SHA256. The same secret always gives the same key. The secret must be
// random, of at least 16 bytes: an attacker who has a token can guess a pass
// phrase that a person has made up. Returns an error if it is shorter.
func DeriveKey(secret []byte) (Key, error) {
	if len(secret) < minSecret {
		return Key{}, fmt.Errorf("session: secret of %d bytes, want at least %d", len(secret), minSecret)
	}
	b, err := hkdf.Key(sha256.New, secret, nil, "typedsession key", seal.KeySize)
	if err != nil {
		return Key{}, fmt.Errorf("session: derive key: %w", err)
	}
	return holdKey([seal.KeySize]byte(b)), nil
}

// LoadOrCreateKey reads the key in the file at path, or creates the file with a
// new key if there is none. It is for programs that run on a single machine: with
// the key in a file, a restart logs no user out. The file is readable by its
// owner only. If several processes create it at once, all get the same key.
func LoadOrCreateKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(path); err != nil {
			return Key{}, fmt.Errorf("session: create key: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("session: read key: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("%w (file %s)", err, path)
	}
	return key, nil
}

// createKeyFile writes a new key into a temporary file and links it to path, so
// that the file is complete as soon as it exists. A file that is already there
// stays.
func createKeyFile(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(NewKey().Encode() + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Encode returns the key as base64 text in the URL alphabet without padding,
// for [ParseKey]. The text is a secret. Encode returns "" for the zero Key.
func (k Key) Encode() string {
	if k.bytes == nil {
		return ""
	}
	b := k.bytes()
	return base64.RawURLEncoding.EncodeToString(b[:])
}
