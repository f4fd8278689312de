package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"testing"

	"github.com/typedsession/typedsession/internal/seal"
)

// BenchmarkBase is what the rest is to be compared with: AES-256-GCM with one
// key that is at hand, and with a nonce that is not drawn, or is.
func BenchmarkBase(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	fixed, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	random, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		aead  cipher.AEAD
		nonce []byte
	}{{"GCM", fixed, make([]byte, 12)}, {"GCMWithRandomNonce", random, nil}} {
		sizes(b, func(b *testing.B, plaintext, ad, room []byte) {
			sealed := c.aead.Seal(nil, c.nonce, plaintext, ad)
			b.Run("Seal/"+c.name, func(b *testing.B) {
				for b.Loop() {
					c.aead.Seal(room, c.nonce, plaintext, ad)
				}
			})
			b.Run("Open/"+c.name, func(b *testing.B) {
				for b.Loop() {
					if _, err := c.aead.Open(room, c.nonce, sealed, ad); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	sizes(b, func(b *testing.B, plaintext, ad, room []byte) {
		for kind, newBox := range kinds {
			box := newBox(newRing(b, testKey(1)), "test")
			b.Run(kind, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					box.Seal(room, plaintext, ad)
				}
			})
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	sizes(b, func(b *testing.B, plaintext, ad, room []byte) {
		for kind, newBox := range kinds {
			box := newBox(newRing(b, testKey(1)), "test")
			sealed := box.Seal(nil, plaintext, ad)
			b.Run(kind, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					mustOpen(b, box, room, sealed, ad)
				}
			})
			b.Run(kind+"/parallel", func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					room := make([]byte, 0, 2048)
					for pb.Next() {
						mustOpen(b, box, room, sealed, ad)
					}
				})
			})
		}
		s := newRing(b, testKey(1)).Sealer("test")
		values := manyStems(s, 4*seal.CacheSize, plaintext, ad)
		i := 0
		b.Run("sealed/miss", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustOpen(b, s, room, values[i%len(values)], ad)
				i++
			}
		})
		few := newRing(b, testKey(1)).Sealer("test")
		values = manyStems(few, seal.CacheSize/2, plaintext, ad)
		b.Run("sealed/half-full", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustOpen(b, few, room, values[i%len(values)], ad)
				i++
			}
		})
		forged := bytes.Clone(values[0])
		forged[5] ^= 1
		b.Run("sealed/forged", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Open(room, forged, ad); err == nil {
					b.Fatal("a forged value opened")
				}
			}
		})
	})
}

func mustOpen(b *testing.B, box box, room, sealed, ad []byte) {
	if _, _, err := box.Open(room, sealed, ad); err != nil {
		b.Error(err)
	}
}

// manyStems seals n values under a stem each.
func manyStems(s *seal.Sealer, n int, plaintext, ad []byte) [][]byte {
	values := make([][]byte, n)
	s.Seal(nil, nil, nil)
	for i := range values {
		seal.SetSealsLeft(s, 0)
		values[i] = s.Seal(nil, plaintext, ad)
	}
	return values
}

func sizes(b *testing.B, run func(b *testing.B, plaintext, ad, room []byte)) {
	for _, n := range []int{200, 1024} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			run(b, bytes.Repeat([]byte{'p'}, n), []byte("__Host-session"), make([]byte, 0, n+128))
		})
	}
}
