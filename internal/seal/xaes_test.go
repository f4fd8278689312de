package seal_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/hex"
	"flag"
	"slices"
	"testing"

	"github.com/typedsession/typedsession/internal/seal"
)

var million = flag.Bool("million", false, "run a million iterations of the accumulated test")

// The vectors are those of https://c2sp.org/XAES-256-GCM, "Test vectors".

func TestXAESVectors(t *testing.T) {
	for _, v := range []struct {
		why            string
		key            byte
		ad             string
		derived, value string
	}{
		{
			"the most significant bit of L is 0", 0x01, "",
			"c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
			"ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
		},
		{
			"the most significant bit of L is 1", 0x03, "c2sp.org/XAES-256-GCM",
			"e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
			"986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
		},
	} {
		key := bytes.Repeat([]byte{v.key}, seal.KeySize)
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		if got := hex.EncodeToString(seal.DeriveXAES(key, nonce)); got != v.derived {
			t.Errorf("%s: derived key %s, want %s", v.why, got, v.derived)
		}
		got, err := seal.OpenXAES(key, nonce, unhex(t, v.value), []byte(v.ad))
		if err != nil || string(got) != "XAES-256-GCM" {
			t.Errorf("%s: opened %q, %v", v.why, got, err)
		}
	}
}

// Two of the tests seal with a chosen nonce. FIPS 140-only mode forbids it, so
// that TestFIPS140 leaves them out, by the name.
func TestChosenNonceXAESAccumulated(t *testing.T) {
	iterations, want := 10_000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
	if *million {
		iterations, want = 1_000_000, "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15"
	}
	random, sum := sha3.NewSHAKE128(), sha3.NewSHAKE128() // they never fail
	fixed := func(n int) []byte {
		b := make([]byte, n)
		_, _ = random.Read(b)
		return b
	}
	vector := func() []byte { return fixed(int(fixed(1)[0])) }
	for i := range iterations {
		key, nonce, plaintext, ad := fixed(seal.KeySize), fixed(24), vector(), vector()
		ciphertext, err := seal.SealXAES(key, nonce, plaintext, ad)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = sum.Write(ciphertext)
		got, err := seal.OpenXAES(key, nonce, ciphertext, ad)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("iteration %d opened %x, %v, want %x", i, got, err, plaintext)
		}
	}
	got := make([]byte, 32)
	_, _ = sum.Read(got)
	if hex.EncodeToString(got) != want {
		t.Errorf("%d iterations accumulate to %x, want %s", iterations, got, want)
	}
}

// What a Sealer makes is taken apart here as the package's documentation
// describes it, with nothing of the package but XAES-256-GCM, which the vectors
// have shown to be what others mean by it.
func TestSealedValueIsXAES(t *testing.T) {
	key := testKey(1)
	okm, err := hkdf.Key(sha256.New, key[:], nil, "typedsession v1 sealed cookie", 36)
	if err != nil {
		t.Fatal(err)
	}
	sealed := newRing(t, key).Sealer("cookie").Seal(nil, []byte("plaintext"), []byte("name"))
	if sealed[0] != 1 || !bytes.Equal(sealed[1:5], okm[32:]) {
		t.Errorf("value begins with %x, want version 1 and key id %x", sealed[:5], okm[32:])
	}
	context := []byte("\x01\x06cookie\x00\x00\x00\x00\x00\x00\x00\x04name")
	got, err := seal.OpenXAES(okm[:32], sealed[5:29], sealed[29:], context)
	if err != nil || string(got) != "plaintext" {
		t.Errorf("opened %q, %v", got, err)
	}
}

// Two keys of a ring may meet one stem; their derived keys must not be mixed up.
// It does not happen by chance, so that the second value is made by hand.
func TestChosenNonceUnderTwoKeys(t *testing.T) {
	a, b := testKey(1), testKey(2)
	sealedA := newRing(t, a).Sealer("test").Seal(nil, []byte("a"), nil)
	nonce := sealedA[5:29]
	okm, err := hkdf.Key(sha256.New, b[:], nil, "typedsession v1 sealed test", 36)
	if err != nil {
		t.Fatal(err)
	}
	context := []byte("\x01\x04test\x00\x00\x00\x00\x00\x00\x00\x00")
	body, err := seal.SealXAES(okm[:32], nonce, []byte("b"), context)
	if err != nil {
		t.Fatal(err)
	}
	sealedB := slices.Concat([]byte{1}, okm[32:], nonce, body)

	ring := newRing(t, a, b).Sealer("test")
	for range 2 {
		for want, sealed := range map[string][]byte{"a": sealedA, "b": sealedB} {
			if got, _, err := ring.Open(nil, sealed, nil); string(got) != want || err != nil {
				t.Errorf("opened %q, %v, want %q", got, err, want)
			}
		}
	}
	if got := seal.Cached(ring); got != 2 {
		t.Errorf("%d derived keys are remembered, want 2", got)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
