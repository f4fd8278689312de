package seal_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"
)

const fipsVariable = "SEAL_TEST_FIPS140"

// TestFIPS140 runs the tests of this package again in the two FIPS 140-3 modes,
// all but those that choose a nonce, which fips140=only forbids, and the long one
// that counts a million seals.
func TestFIPS140(t *testing.T) {
	switch os.Getenv(fipsVariable) {
	case "":
		for _, mode := range []string{"on", "only"} {
			t.Run(mode, func(t *testing.T) { runAgain(t, mode) })
		}
	case "on":
		if !fips140.Enabled() {
			t.Error("FIPS 140-3 mode is not enabled")
		}
	case "only":
		block, err := aes.NewCipher(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cipher.NewGCM(block); !fips140.Enabled() || err == nil {
			t.Error("FIPS 140-3 mode is not enforced")
		}
	}
}

func runAgain(t *testing.T, mode string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self,
		"-test.skip=^(TestChosenNonce.*|TestStemLastsForItsValues)$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, fipsVariable+"="+mode)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with GODEBUG=fips140=%s: %v\n%s", mode, err, out)
	}
}
