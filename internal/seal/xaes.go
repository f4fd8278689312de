package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

const (
	stemSize = 12
	// gcmSize is what AES-GCM with its own random nonces adds to a plaintext:
	// a nonce of 96 bits in front, a tag of 128 behind.
	gcmSize = 12 + 16
)

// stem is the first half of an XAES-256-GCM nonce: the one that selects the
// derived key.
type stem [stemSize]byte

// xaes derives the AES-256-GCM keys of XAES-256-GCM under one key. Comments
// quote the steps of "Detailed key derivation algorithm" in
// https://c2sp.org/XAES-256-GCM.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte
}

func newXAES(key []byte) *xaes {
	x := &xaes{block: newAES(key)}
	k := &x.k1
	// 1. L = AES-256ₖ(0x00, ..., 0x00)
	x.block.Encrypt(k[:], k[:])
	// 2. If MSB₁(L) = 0, then K1 = L << 1; else K1 = (L << 1) ⊕ 0b10000111,
	// without a branch because L is secret.
	msb := k[0] >> 7
	for i := range len(k) - 1 {
		k[i] = k[i]<<1 | k[i+1]>>7
	}
	k[len(k)-1] = k[len(k)-1]<<1 ^ msb*0b10000111
	return x
}

// derive returns Kₓ, the AES-256-GCM key that belongs to a stem.
func (x *xaes) derive(st stem) []byte {
	key := make([]byte, 2*aes.BlockSize)
	for i := range 2 {
		// 3. and 4. Mᵢ = 0x00 || i || 0x58 || 0x00 || N[:12]
		m := key[i*aes.BlockSize:][:aes.BlockSize]
		m[1] = byte(i + 1)
		m[2] = 'X'
		copy(m[4:], st[:])
		// 5. Kₓ = AES-256ₖ(M1 ⊕ K1) || AES-256ₖ(M2 ⊕ K1)
		subtle.XORBytes(m, m, x.k1[:])
		x.block.Encrypt(m, m)
	}
	return key
}

// aead returns AES-256-GCM under the key that belongs to a stem. It draws a
// nonce of 96 bits for each value and puts it in front, so that the stem and
// its output are together exactly a nonce and ciphertext of XAES-256-GCM. No
// caller can make it repeat a nonce, which is also why FIPS 140-only mode
// allows it.
func (x *xaes) aead(st stem) cipher.AEAD {
	gcm, err := cipher.NewGCMWithRandomNonce(newAES(x.derive(st)))
	if err != nil {
		panic(err) // NewRing has checked that this build has the mode
	}
	return gcm
}

func newAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // fails only for lengths that are not AES's
	}
	return block
}
