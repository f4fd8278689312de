package attacks_test

import (
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Where things are in a token, after docs/FORMAT.md: the nonce in a sealed one, ID
// and secret in a signed one.
const (
	nonceAt  = 1 + 4
	idAt     = 1 + 4 + 32
	secretAt = idAt + 16
)

// TestNothingRepeats collects ten thousand tokens that two processes sealed under
// one key, and looks for a nonce that came twice; of signed ones, whose content
// is in the open, for an ID or a secret.
func TestNothingRepeats(t *testing.T) {
	const tokens = 10_000
	tests := []struct {
		name   string
		signed bool
		fields map[string][2]int
	}{
		{"sealed", false, map[string][2]int{"nonce": {nonceAt, 24}, "random half of a nonce": {nonceAt + 12, 12}, "ciphertext": {nonceAt + 24, 32}}},
		{"signed", true, map[string][2]int{"ID": {idAt, 16}, "secret": {secretAt, 16}, "half of a secret": {secretAt, 8}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key := session.NewKey()
			seen := map[string]map[string]bool{}
			stems := map[string]bool{}
			for range 2 {
				s := newSite(t, memory.New(), func(c *config) {
					c.Keys, c.Cookie.InsecureSignedOnly = []session.Key{key}, test.signed
				})
				s.pipeline(t, "/count", make([]string, tokens/2), func(_ int, answer reply) {
					raw := bytesOf(t, answer.setCookie(cookieName))
					stems[string(raw[nonceAt:nonceAt+12])] = true
					for name, place := range test.fields {
						field := string(raw[place[0] : place[0]+place[1]])
						if seen[name] == nil {
							seen[name] = map[string]bool{}
						}
						if seen[name][field] {
							t.Fatalf("a %s came twice: %x", name, field)
						}
						seen[name][field] = true
					}
				})
			}
			for name := range test.fields {
				if got := len(seen[name]); got != tokens {
					t.Errorf("%d different values of %s, want %d", got, name, tokens)
				}
			}
			if !test.signed && len(stems) != 2 {
				t.Errorf("%d derived keys for two processes", len(stems))
			}
		})
	}
}

// TestRenewalDrawsAnew: a renewed secret has nothing in common with the one
// before, while the ID stays.
func TestRenewalDrawsAnew(t *testing.T) {
	s := newSite(t, memory.New(), func(c *config) { c.Cookie.InsecureSignedOnly = true })
	b := s.login(t, "alice")
	before := bytesOf(t, b.token())
	seen := map[string]bool{string(before[secretAt:]): true}
	for range 100 {
		b.get(t, "/renew")
		raw := bytesOf(t, b.token())
		if string(raw[idAt:secretAt]) != string(before[idAt:secretAt]) {
			t.Fatal("the ID has changed")
		}
		if seen[string(raw[secretAt:])] {
			t.Fatal("a secret came twice")
		}
		seen[string(raw[secretAt:])] = true
	}
}
