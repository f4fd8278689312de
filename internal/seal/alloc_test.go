//go:build !race

// Under the race detector sync.Pool forgets on purpose, and so allocates.

package seal_test

import (
	"bytes"
	"testing"
)

func TestAllocations(t *testing.T) {
	r := newRing(t, testKey(1), testKey(2))
	plaintext, ad := bytes.Repeat([]byte{'p'}, 200), []byte("__Host-session")
	room := make([]byte, 0, 300)
	open := func(b box, sealed, ad []byte) func() {
		return func() { _, _, _ = b.Open(room, sealed, ad) }
	}
	foreign := newRing(t, testKey(3))
	for kind, newBox := range kinds {
		b := newBox(r, "test")
		sealed := b.Seal(nil, plaintext, ad)
		old := newBox(newRing(t, testKey(2)), "test").Seal(nil, plaintext, ad)
		other := newBox(foreign, "test").Seal(nil, plaintext, ad)
		for what, run := range map[string]func(){
			"Seal":                     func() { b.Seal(room, plaintext, ad) },
			"Open":                     open(b, sealed, ad),
			"Open, older key":          open(b, old, ad),
			"Open, unknown key id":     open(b, other, ad), // so it derives no key
			"Open, cut short":          open(b, sealed[:len(sealed)-1], ad),
			"Open, known stem, forged": open(b, sealed, nil),
		} {
			open(b, sealed, ad)() // so that its stem is known
			if got := testing.AllocsPerRun(200, run); got != 0 {
				t.Errorf("%s: %s allocates %v times, want 0", kind, what, got)
			}
		}
	}
}

// A forged stem must cost one derivation, not one for each key of the ring.
func TestForgedStemDerivesOnce(t *testing.T) {
	one, many := newRing(t, testKey(1)), newRing(t, testKey(1), testKey(2), testKey(3), testKey(4))
	sealed := one.Sealer("test").Seal(nil, nil, nil)
	sealed[5] ^= 1
	a, b := one.Sealer("test"), many.Sealer("test")
	want := testing.AllocsPerRun(100, func() { _, _, _ = a.Open(nil, sealed, nil) })
	got := testing.AllocsPerRun(100, func() { _, _, _ = b.Open(nil, sealed, nil) })
	if want == 0 || got != want {
		t.Errorf("a forged value costs %v allocations under 4 keys, %v under 1", got, want)
	}
}
