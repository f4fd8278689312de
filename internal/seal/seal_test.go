package seal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/seal"
)

// box is what Sealer and Signer have in common.
type box interface {
	Seal(dst, plaintext, ad []byte) []byte
	Open(dst, sealed, ad []byte) (plaintext []byte, stale bool, err error)
	Overhead() int
}

var kinds = map[string]func(r *seal.Ring, purpose string) box{
	"sealed": func(r *seal.Ring, purpose string) box { return r.Sealer(purpose) },
	"signed": func(r *seal.Ring, purpose string) box { return r.Signer(purpose) },
}

func eachKind(t *testing.T, test func(t *testing.T, newBox func(*seal.Ring, string) box)) {
	for kind, newBox := range kinds {
		t.Run(kind, func(t *testing.T) { test(t, newBox) })
	}
}

// testKey returns a key whose bytes are all different and recognisable.
func testKey(n byte) (key [seal.KeySize]byte) {
	for i := range key {
		key[i] = n*37 + byte(i)*5 + 0xa1
	}
	return key
}

func newRing(t testing.TB, keys ...[seal.KeySize]byte) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustFail reports when a value opens, or fails in a way that tells more than
// that it failed.
func mustFail(t *testing.T, b box, sealed, ad []byte, why string) {
	t.Helper()
	got, stale, err := b.Open([]byte("dst"), sealed, ad)
	if err != seal.ErrOpen || got != nil || stale {
		t.Errorf("%s: opened %q, stale %v, error %v, want only ErrOpen", why, got, stale, err)
	}
}

func TestNewRingRefuses(t *testing.T) {
	a, b := testKey(1), testKey(2)
	for _, c := range []struct {
		why  string
		keys [][seal.KeySize]byte
		want string
	}{
		{"no keys", nil, "seal: no key"},
		{"a key given twice", [][seal.KeySize]byte{a, b, a}, "seal: key 2 repeats key 0"},
		{"a key never set", [][seal.KeySize]byte{a, {}}, "seal: key 1 is all zeros"},
	} {
		r, err := seal.NewRing(c.keys...)
		if r != nil || err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, %v, want error %q", c.why, r, err, c.want)
		}
	}
}

func TestRingKeepsItsOwnKeys(t *testing.T) {
	keys := [][seal.KeySize]byte{testKey(1)}
	r := newRing(t, keys...)
	sealed := r.Sealer("test").Seal(nil, []byte("value"), nil)
	keys[0] = testKey(2)
	if _, stale, err := r.Sealer("test").Open(nil, sealed, nil); stale || err != nil {
		t.Errorf("after the caller's slice was overwritten: stale %v, %v", stale, err)
	}
}

func TestPurposeMustFitItsLength(t *testing.T) {
	r := newRing(t, testKey(1))
	eachKind(t, func(t *testing.T, newBox func(*seal.Ring, string) box) {
		newBox(r, strings.Repeat("p", 255))
		for _, purpose := range []string{"", strings.Repeat("p", 256)} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("a purpose of %d bytes did not panic", len(purpose))
					}
				}()
				newBox(r, purpose)
			}()
		}
	})
}

func TestRoundTrip(t *testing.T) {
	eachKind(t, func(t *testing.T, newBox func(*seal.Ring, string) box) {
		b := newBox(newRing(t, testKey(1)), "test")
		for n := range 300 {
			plaintext, ad := bytes.Repeat([]byte{'p'}, n), bytes.Repeat([]byte{'a'}, n/3)
			sealed := b.Seal([]byte("before"), plaintext, ad)
			if len(sealed) != len("before")+n+b.Overhead() || !bytes.HasPrefix(sealed, []byte("before")) {
				t.Fatalf("%d bytes sealed after 6 became %d, want %d more", n, len(sealed), b.Overhead())
			}
			got, stale, err := b.Open([]byte("dst"), sealed[len("before"):], ad)
			if string(got) != "dst"+string(plaintext) || stale || err != nil {
				t.Fatalf("%d bytes opened as %q, stale %v, %v", n, got, stale, err)
			}
		}
	})
}

func TestSealedValuesDiffer(t *testing.T) {
	s := newRing(t, testKey(1)).Sealer("test")
	seen := make(map[string]bool)
	for range 1000 {
		nonce := string(s.Seal(nil, nil, nil)[5:29])
		if seen[nonce] {
			t.Fatalf("nonce %x came twice", nonce)
		}
		seen[nonce] = true
	}
}

func TestChangedValueDoesNotOpen(t *testing.T) {
	eachKind(t, func(t *testing.T, newBox func(*seal.Ring, string) box) {
		// Two keys, so that a changed key id may name another.
		b := newBox(newRing(t, testKey(1), testKey(2)), "test")
		ad := []byte("ad")
		sealed := b.Seal(nil, []byte("some plaintext"), ad)
		for i := range sealed {
			for bit := range 8 {
				changed := bytes.Clone(sealed)
				changed[i] ^= 1 << bit
				mustFail(t, b, changed, ad, "a bit flipped")
			}
			mustFail(t, b, sealed[:i], ad, "cut off at the end")
			mustFail(t, b, sealed[i+1:], ad, "cut off at the beginning")
		}
		mustFail(t, b, append(bytes.Clone(sealed), 0), ad, "a byte added")
		mustFail(t, b, append([]byte{0}, sealed...), ad, "a byte in front")
		mustFail(t, b, nil, ad, "nothing")
		if _, _, err := b.Open(nil, sealed, ad); err != nil {
			t.Errorf("unchanged: %v", err)
		}
	})
}

func TestValueIsBound(t *testing.T) {
	eachKind(t, func(t *testing.T, newBox func(*seal.Ring, string) box) {
		r := newRing(t, testKey(1))
		b := newBox(r, "test")
		ad := []byte("name")
		sealed := b.Seal(nil, []byte("plaintext"), ad)
		mustFail(t, newBox(r, "tess"), sealed, ad, "another purpose")
		mustFail(t, newBox(r, "test2"), sealed, ad, "a longer purpose")
		mustFail(t, newBox(newRing(t, testKey(2)), "test"), sealed, ad, "another key")
		mustFail(t, b, sealed, []byte("nama"), "another ad")
		mustFail(t, b, sealed, []byte("names"), "a longer ad")
		mustFail(t, b, sealed, nil, "no ad")
		for kind, other := range kinds {
			if o := other(r, "test"); o.Overhead() != b.Overhead() {
				for version := range 256 {
					changed := bytes.Clone(sealed)
					changed[0] = byte(version)
					mustFail(t, o, changed, ad, "opened as "+kind)
				}
			}
		}
	})
}

// A MAC over plain concatenation would take a byte of the plaintext for one of
// the ad. The boundaries of the AEAD are its own, but it goes by the same rule.
func TestBoundariesAreBound(t *testing.T) {
	r := newRing(t, testKey(1))
	b := r.Signer("test")
	sealed := b.Seal(nil, []byte("laintext"), []byte("namep"))
	moved := append(bytes.Clone(sealed[:b.Overhead()]), "plaintext"...)
	mustFail(t, b, moved, []byte("name"), "a byte moved from the ad to the plaintext")
}

func TestRotation(t *testing.T) {
	eachKind(t, func(t *testing.T, newBox func(*seal.Ring, string) box) {
		older, old, current := testKey(1), testKey(2), testKey(3)
		ring := newBox(newRing(t, current, old, older), "test")
		for _, c := range []struct {
			name  string
			keys  [][seal.KeySize]byte
			stale bool
		}{
			{"the newest key", [][seal.KeySize]byte{current}, false},
			{"the one before", [][seal.KeySize]byte{old}, true},
			{"the oldest", [][seal.KeySize]byte{older, current}, true},
		} {
			sealed := newBox(newRing(t, c.keys...), "test").Seal(nil, []byte("value"), nil)
			for range 2 { // found in the cache the second time
				got, stale, err := ring.Open(nil, sealed, nil)
				if string(got) != "value" || stale != c.stale || err != nil {
					t.Errorf("%s: opened %q, stale %v, %v, want stale %v", c.name, got, stale, err, c.stale)
				}
			}
		}
		sealed := ring.Seal(nil, []byte("value"), nil)
		if _, stale, err := newBox(newRing(t, current), "test").Open(nil, sealed, nil); stale || err != nil {
			t.Errorf("the first key does not seal: stale %v, %v", stale, err)
		}
		mustFail(t, newBox(newRing(t, older, old), "test"), sealed, nil, "the key is not in the ring")
	})
}

// The keys were found by trying the numbers up to 2^17: for the purpose "test", each pair
// has one key id.
func TestEveryKeyThatTheIDNamesIsTried(t *testing.T) {
	key := func(n uint64) (key [seal.KeySize]byte) {
		key[0] = 1
		binary.BigEndian.PutUint64(key[24:], n)
		return key
	}
	for kind, pair := range map[string][2]uint64{
		"sealed": {106796, 128532},
		"signed": {31800, 109632},
	} {
		newBox, a, b := kinds[kind], key(pair[0]), key(pair[1])
		both := newBox(newRing(t, a, b), "test")
		sealed := newBox(newRing(t, b), "test").Seal(nil, []byte("value"), nil)
		if mine := both.Seal(nil, nil, nil); !bytes.Equal(mine[1:5], sealed[1:5]) {
			t.Fatalf("%s: key ids %x and %x differ", kind, mine[1:5], sealed[1:5])
		}
		got, stale, err := both.Open([]byte("dst"), sealed, nil)
		if string(got) != "dstvalue" || !stale || err != nil {
			t.Errorf("%s: opened %q, stale %v, %v", kind, got, stale, err)
		}
	}
}

// A short plaintext where the header goes must not be overwritten before it is
// sealed.
func TestOverlap(t *testing.T) {
	ad := []byte("ad")
	eachKind(t, func(t *testing.T, newBox func(*seal.Ring, string) box) {
		b := newBox(newRing(t, testKey(1)), "test")
		for n := range 100 {
			buf := append(make([]byte, 0, 300), bytes.Repeat([]byte{'p'}, n)...)
			want := string(buf)
			sealed, panicked := trySeal(b, buf[:0], buf, ad)
			if panicked {
				continue
			}
			got, _, err := b.Open(nil, sealed, ad)
			if string(got) != want || err != nil {
				t.Errorf("%d bytes sealed over themselves opened as %q, %v", n, got, err)
			}
		}
	})
}

func trySeal(b box, dst, plaintext, ad []byte) (sealed []byte, panicked bool) {
	defer func() { panicked = recover() != nil }()
	return b.Seal(dst, plaintext, ad), false
}

func TestErrOpenIsOneValue(t *testing.T) {
	r := newRing(t, testKey(1))
	_, _, sealed := r.Sealer("test").Open(nil, nil, nil)
	_, _, signed := r.Signer("test").Open(nil, make([]byte, 100), nil)
	if !errors.Is(sealed, seal.ErrOpen) || sealed != signed {
		t.Errorf("errors %v and %v, want ErrOpen itself", sealed, signed)
	}
}
