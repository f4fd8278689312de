// Package token seals what a client holds into text, and opens it again. A token
// holds either the ID and the secret of a session, or the record itself.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"sync"
)

// Secret is the credential of a session: 128 random bits that only the client
// holds. The record keeps its hash, so that a copy of the store opens no
// session.
type Secret [16]byte

// NewSecret draws a secret.
func NewSecret() Secret {
	var s Secret
	rand.Read(s[:]) // never fails: it ends the program instead
	return s
}

// Hash returns what the record keeps of the secret.
func (s Secret) Hash() [sha256.Size]byte { return sha256.Sum256(s[:]) }

// Matches reports whether hash is the secret's. It takes the same time however
// much of the secret is right.
func (s Secret) Matches(hash *[sha256.Size]byte) bool {
	own := s.Hash()
	return subtle.ConstantTimeCompare(own[:], hash[:]) == 1
}

// Box encrypts or signs. *seal.Sealer and *seal.Signer are boxes.
type Box interface {
	Seal(dst, plaintext, ad []byte) []byte
	Open(dst, sealed, ad []byte) (plaintext []byte, stale bool, err error)
	Overhead() int
}

// Codec seals and opens tokens. It is safe for concurrent use.
type Codec struct {
	box     Box
	names   [][]byte // what a token is bound to; the first is used for new tokens
	longest int      // the length of the longest token
}

// NewCodec returns a codec of tokens of at most longest characters. A token is
// bound to the name under which it is sent and does not open under another one.
// New tokens are bound to the first name.
func NewCodec(box Box, longest int, names ...string) *Codec {
	c := &Codec{box: box, longest: longest}
	for _, name := range names {
		c.names = append(c.names, []byte(name))
	}
	return c
}

// Fits reports whether a token that holds size bytes is short enough, with its
// length and the limit.
func (c *Codec) Fits(size int) (length, limit int, ok bool) {
	length = base64.RawURLEncoding.EncodedLen(size + c.box.Overhead())
	return length, c.longest, length <= c.longest
}

// Seal returns the token that holds content, bound to the first name.
func (c *Codec) Seal(content string) string {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	// The content, then its sealed form, then the text.
	size := len(content) + c.box.Overhead()
	b := slices.Grow((*buf)[:0], len(content)+size+base64.RawURLEncoding.EncodedLen(size))
	b = append(b, content...)
	b = c.box.Seal(b, b, c.names[0])
	start := len(b)
	b = base64.RawURLEncoding.AppendEncode(b, b[len(content):])
	*buf = b
	return string(b[start:])
}

// strictBase64 decodes tokens. It is made once, because each call of Strict
// copies the tables of the encoding.
var strictBase64 = base64.RawURLEncoding.Strict()

// buffers are for the sealed form of a token and for what it holds. Neither
// outlives its use, so that a token costs no allocation but its text. No buffer
// grows beyond what the longest token takes.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Open calls use with what a token holds; use must not keep it. The token must
// be bound to the name of that index. Whatever is wrong with the token, the
// answer is false, so that an attacker learns nothing. stale means that the
// token was sealed under an older key or an older name.
func (c *Codec) Open(token string, name int, use func(content []byte)) (stale, ok bool) {
	size := base64.RawURLEncoding.DecodedLen(len(token))
	if len(token) > c.longest || size < c.box.Overhead() || name >= len(c.names) {
		return false, false
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	// Strict decoding, and no line breaks, which even strict decoding skips:
	// otherwise a token would have several spellings.
	b := slices.Grow((*buf)[:0], 2*size)
	*buf = b
	sealed, err := strictBase64.AppendDecode(b, []byte(token))
	if err != nil || base64.RawURLEncoding.EncodedLen(len(sealed)) != len(token) {
		return false, false
	}
	content, stale, err := c.box.Open(sealed[len(sealed):], sealed, c.names[name])
	if err != nil {
		return false, false
	}
	use(content)
	return stale || name > 0, true
}
