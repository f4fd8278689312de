package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A stem is kept for stemSeals values and stemAge, whichever is over first.
//
// Values under one stem are told apart by 96 random bits, so that n of them
// collide with probability n²/2^97: for 2^20 values that is 2^-57, where NIST
// SP 800-38D (section 8) asks for at most 2^-32. Over m values of a key, m/2^20
// stems, it is m*2^20/2^97, which reaches 2^-32 at m = 2^45: a million values
// each second for a year, under one key and for one purpose. Two stems agree by
// chance far more rarely. A larger number would give that margin away. With a
// smaller one a busy process would use more derived keys than the processes that
// open its values can remember. A clone of a running machine continues with the
// same stem but draws other bits.
//
// The age bounds what a stem reveals: that two values come from the same process
// and the same hour. The arithmetic does not need it, so the clock may stop while
// the machine sleeps.
const (
	stemSeals = 1 << 20
	stemAge   = time.Hour
)

const sealedOverhead = headerSize + stemSize + gcmSize

// Sealer encrypts and authenticates values for one purpose. It is safe for
// concurrent use.
type Sealer struct {
	core func() *sealer // see Hide
}

type sealer struct {
	keys    []sealKey // newest first
	binding []byte
	cache   cache
	buffers sync.Pool // of *[]byte, for contexts

	current atomic.Pointer[lease]
	mu      sync.Mutex // held while current is replaced
}

type sealKey struct {
	id   keyID
	xaes *xaes
}

// lease is a stem to seal under, with its derived key.
type lease struct {
	stem  stem
	aead  cipher.AEAD
	begun time.Time
	left  atomic.Int64 // values that may still be sealed
}

// Sealer returns the Sealer for a purpose, a constant of the program of 1 to
// 255 bytes; it panics for any other length. A Sealer is made once, at start:
// it derives subkeys, and remembers what it derives.
func (r *Ring) Sealer(purpose string) *Sealer {
	c := &sealer{binding: binding(versionSealed, purpose)}
	c.buffers.New = func() any { return new([]byte) }
	for _, key := range r.keys() {
		secret, id := subkey(key, "sealed", purpose)
		c.keys = append(c.keys, sealKey{id, newXAES(secret)})
	}
	return &Sealer{Hide(c)}
}

// Overhead returns by how many bytes a sealed value is longer than its
// plaintext.
func (s *Sealer) Overhead() int { return sealedOverhead }

// Seal encrypts plaintext under the newest key, bound to ad, appends the sealed
// value to dst and returns the extended slice. It does not allocate if dst has
// the room. The room must not overlap plaintext.
func (s *Sealer) Seal(dst, plaintext, ad []byte) []byte {
	c := s.core()
	l := c.lease()
	context := c.buffers.Get().(*[]byte)
	*context = appendContext((*context)[:0], c.binding, ad)

	// The ciphertext comes first and the header into its gap afterwards, so
	// that a plaintext that does overlap makes the cipher panic: the header
	// would have overwritten a short one unnoticed.
	start, gap := len(dst), headerSize+stemSize
	dst = slices.Grow(dst, sealedOverhead+len(plaintext))
	dst = l.aead.Seal(dst[:start+gap], nil, plaintext, *context)
	header := append(dst[start:start], versionSealed)
	header = append(header, c.keys[0].id[:]...)
	copy(dst[start+len(header):], l.stem[:])

	c.buffers.Put(context)
	return dst
}

// Open opens a value that Seal made under any key of the ring with the same ad,
// appends the plaintext to dst and returns the extended slice. Stale reports
// that the key was not the newest. Every failure is [ErrOpen], returns a nil
// plaintext and may have cleared the room of dst. Open does not allocate if dst
// has the room and a value of the same stem was opened before. The room must not
// overlap sealed.
//
// A value that was not sealed under this ring costs one derivation for each key
// that its key id names. That is none unless the attacker has seen a genuine
// value. Nothing of it is remembered.
func (s *Sealer) Open(dst, sealed, ad []byte) (plaintext []byte, stale bool, err error) {
	// Returning early reveals nothing: version, length and key id are readable,
	// and the ids of the ring are not secret.
	if len(sealed) < sealedOverhead || sealed[0] != versionSealed {
		return nil, false, ErrOpen
	}
	c := s.core()
	id, st, body := keyID(sealed[1:]), stem(sealed[headerSize:]), sealed[headerSize+stemSize:]
	context := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(context)
	*context = appendContext((*context)[:0], c.binding, ad)

	for i := range c.keys {
		k := &c.keys[i]
		if k.id != id {
			continue
		}
		aead := c.cache.get(k.xaes, st)
		cached := aead != nil
		if !cached {
			aead = k.xaes.aead(st)
		}
		plaintext, err := aead.Open(dst, nil, body, *context)
		if err != nil {
			continue
		}
		if !cached {
			// Only here, after it has authenticated: see cache.
			c.cache.add(k.xaes, st, aead)
		}
		return plaintext, i > 0, nil
	}
	return nil, false, ErrOpen
}

// lease returns the lease to seal one value under, a new one if the current one
// is used up.
func (c *sealer) lease() *lease {
	if l := c.current.Load(); l.take() {
		return l
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.current.Load(); l.take() {
		return l // another goroutine was faster
	}
	l := &lease{begun: time.Now()}
	rand.Read(l.stem[:]) // never fails: it ends the program instead
	l.aead = c.keys[0].xaes.aead(l.stem)
	l.left.Store(stemSeals - 1)
	c.current.Store(l)
	return l
}

// take counts one value and reports whether the lease covers it.
func (l *lease) take() bool {
	return l != nil && time.Since(l.begun) < stemAge && l.left.Add(-1) >= 0
}
