package seal

import "crypto/cipher"

// SealXAES is XAES-256-GCM with the caller's nonce, as test vectors need it.
// The package itself never lets a nonce be chosen.
func SealXAES(key, nonce, plaintext, ad []byte) ([]byte, error) {
	gcm, err := cipher.NewGCM(newAES(newXAES(key).derive(stem(nonce))))
	if err != nil {
		return nil, err
	}
	return gcm.Seal(nil, nonce[stemSize:], plaintext, ad), nil
}

// OpenXAES opens along the path that Sealer.Open takes.
func OpenXAES(key, nonce, ciphertext, ad []byte) ([]byte, error) {
	body := append(nonce[stemSize:len(nonce):len(nonce)], ciphertext...)
	return newXAES(key).aead(stem(nonce)).Open(nil, nil, body, ad)
}

// DeriveXAES returns the derived key Kₓ.
func DeriveXAES(key, nonce []byte) []byte { return newXAES(key).derive(stem(nonce)) }

// What a Sealer promises of a stem and of its cache.
const (
	StemSeals = stemSeals
	StemAge   = stemAge
	CacheSize = cacheSets * cacheWays
)

// SetSealsLeft makes the current stem last for n more values.
func SetSealsLeft(s *Sealer, n int64) { s.core().current.Load().left.Store(n) }

// Cached counts the derived keys that a Sealer remembers.
func Cached(s *Sealer) int {
	n := 0
	for i := range s.core().cache.sets {
		n += count(s, i, func(*derived) bool { return true })
	}
	return n
}

// Remembers reports whether opening a value would find its derived key. Unlike
// opening, asking does not count as a use.
func Remembers(s *Sealer, sealed []byte) bool {
	st := stem(sealed[headerSize:])
	return count(s, int(st[0])%cacheSets, func(d *derived) bool { return d.stem == st }) > 0
}

func count(s *Sealer, set int, match func(*derived) bool) int {
	n := 0
	for i := range cacheWays {
		if d := s.core().cache.sets[set][i].Load(); d != nil && match(d) {
			n++
		}
	}
	return n
}
