package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
)

// secret is the credential of a session: 128 random bits that only the client
// holds. The record keeps its hash, so that a copy of the store opens nothing.
type secret [16]byte

func newSecret() secret {
	var s secret
	rand.Read(s[:])
	return s
}

func (s secret) hash() [sha256.Size]byte { return sha256.Sum256(s[:]) }

// opens reports whether the secret is a record's, in a time that does not depend
// on how much of it is right.
func (s secret) opens(h *header) bool {
	hash := s.hash()
	return subtle.ConstantTimeCompare(hash[:], h.hash[:]) == 1
}

// contentSize is the length of what a token holds where the store holds the
// records: the ID and the secret. Elsewhere a token holds the ref.
const contentSize = len(ID{}) + len(secret{})

// box encrypts or signs: [seal.Sealer] and [seal.Signer] are boxes.
type box interface {
	Seal(dst, plaintext, ad []byte) []byte
	Open(dst, sealed, ad []byte) (plaintext []byte, stale bool, err error)
	Overhead() int
}

// purpose is what the subkey for tokens is derived for. It keeps apart what
// could be taken for each other under one key: tokens of stores that hold
// records, and tokens that are records.
func tokenPurpose(clientHeld bool) string {
	if clientHeld {
		return "client-held record"
	}
	return "token"
}

// tokens makes and opens tokens.
type tokens struct {
	box     box
	binding []byte // the additional data of every token
	longest int    // the length of the longest token that can be carried
}

// fits returns ErrTooLarge, with the sizes, where a token that holds so many
// bytes could not be carried.
func (t *tokens) fits(content int) error {
	size := base64.RawURLEncoding.EncodedLen(content + t.box.Overhead())
	if size > t.longest {
		return fmt.Errorf("%w: token of %d bytes, limit %d", ErrTooLarge, size, t.longest)
	}
	return nil
}

// seal returns the token that holds content.
func (t *tokens) seal(content string) string {
	buf := tokenBuffers.Get().(*[]byte)
	defer tokenBuffers.Put(buf)
	// The content, then its sealed form, then the text.
	size := len(content) + t.box.Overhead()
	b := slices.Grow((*buf)[:0], len(content)+size+base64.RawURLEncoding.EncodedLen(size))
	b = append(b, content...)
	b = t.box.Seal(b, b, t.binding)
	start := len(b)
	b = base64.RawURLEncoding.AppendEncode(b, b[len(content):])
	*buf = b
	return string(b[start:])
}

// strictBase64 decodes tokens. It is made once: each call of Strict copies the
// tables of the encoding.
var strictBase64 = base64.RawURLEncoding.Strict()

// tokenBuffers are for the sealed form of a token and for what it holds, neither
// of which outlives its use, so that a token costs no allocation but its text.
// None grows beyond what the longest token takes.
var tokenBuffers = sync.Pool{New: func() any { return new([]byte) }}

// open returns what a token holds, in buf where there is room. Whatever is wrong
// with the token, the answer is one and the same. stale means that it was sealed
// under an older key.
func (t *tokens) open(buf *[]byte, token string) (content []byte, stale, ok bool) {
	size := base64.RawURLEncoding.DecodedLen(len(token))
	if len(token) > t.longest || size < t.box.Overhead() {
		return nil, false, false
	}
	// Strict decoding, and no line breaks, which even that skips: else a token
	// would have several spellings.
	b := slices.Grow((*buf)[:0], 2*size)
	*buf = b
	sealed, err := strictBase64.AppendDecode(b, []byte(token))
	if err != nil || base64.RawURLEncoding.EncodedLen(len(sealed)) != len(token) {
		return nil, false, false
	}
	content, stale, err = t.box.Open(sealed[len(sealed):], sealed, t.binding)
	return content, stale, err == nil
}
