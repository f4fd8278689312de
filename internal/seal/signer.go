package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
)

const signedOverhead = headerSize + sha256.Size

// Signer authenticates values for one purpose and leaves them readable. It is
// safe for concurrent use.
type Signer struct {
	core func() *signer // see Hide
}

type signer struct {
	keys    []*signKey // newest first
	binding []byte
}

type signKey struct {
	id   keyID
	macs sync.Pool // of *mac: keying one costs more than using it
}

// mac is HMAC-SHA256 under one key, with room for what goes in and comes out.
type mac struct {
	hash    hash.Hash
	context []byte
	sum     [sha256.Size]byte
}

// Signer returns the Signer for a purpose, a constant of the program of 1 to
// 255 bytes; it panics for any other length. A Signer is made once, at start:
// it derives subkeys.
func (r *Ring) Signer(purpose string) *Signer {
	c := &signer{binding: binding(versionSigned, purpose)}
	for _, key := range r.keys() {
		secret, id := subkey(key, "signed", purpose)
		k := &signKey{id: id}
		k.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, secret)} }
		c.keys = append(c.keys, k)
	}
	return &Signer{Hide(c)}
}

// Overhead returns by how many bytes a signed value is longer than its
// plaintext.
func (s *Signer) Overhead() int { return signedOverhead }

// Seal authenticates plaintext under the newest key, bound to ad, appends the
// signed value, which holds the plaintext as it is, to dst and returns the
// extended slice. It does not allocate if dst has the room.
func (s *Signer) Seal(dst, plaintext, ad []byte) []byte {
	c := s.core()
	k := c.keys[0]
	sum := k.sum(c.binding, ad, plaintext)
	start := len(dst)
	dst = slices.Grow(dst, signedOverhead+len(plaintext))
	dst = dst[:start+signedOverhead+len(plaintext)]
	copy(dst[start+signedOverhead:], plaintext) // first: it may lie in the room
	header := append(dst[start:start], versionSigned)
	header = append(header, k.id[:]...)
	copy(dst[start+len(header):], sum[:])
	return dst
}

// Open verifies a value that Seal made under any key of the ring with the same
// ad, appends the plaintext to dst and returns the extended slice. Stale
// reports that the key was not the newest. Every failure is [ErrOpen] and
// returns a nil plaintext. Open does not allocate if dst has the room.
func (s *Signer) Open(dst, sealed, ad []byte) (plaintext []byte, stale bool, err error) {
	// Returning early reveals nothing, as in Sealer.Open.
	if len(sealed) < signedOverhead || sealed[0] != versionSigned {
		return nil, false, ErrOpen
	}
	id, tag, value := keyID(sealed[1:]), sealed[headerSize:signedOverhead], sealed[signedOverhead:]
	c := s.core()
	for i, k := range c.keys {
		if k.id != id {
			continue
		}
		sum := k.sum(c.binding, ad, value)
		if hmac.Equal(sum[:], tag) { // in constant time
			return append(dst, value...), i > 0, nil
		}
	}
	return nil, false, ErrOpen
}

// sum returns the HMAC of a value and of what it is bound to.
func (k *signKey) sum(binding, ad, value []byte) [sha256.Size]byte {
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	m.context = appendContext(m.context[:0], binding, ad)
	m.hash.Reset()
	m.hash.Write(m.context)
	m.hash.Write(value)
	m.hash.Sum(m.sum[:0])
	return m.sum
}
