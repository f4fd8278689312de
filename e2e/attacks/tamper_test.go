package attacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// TestTampering changes a token in every place, cuts it at every length, and
// lengthens it. Nothing opens, nothing reaches the store, and the answers cannot
// be told from that to a visitor without a cookie.
func TestTampering(t *testing.T) {
	for name, st := range map[string]store.Store{"held by the server": memory.New(), "held by the client": cookie.New()} {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, signed only %v", name, signed), func(t *testing.T) {
				inner, calls := count(st)
				s := newSite(t, inner, func(c *config) { c.Cookie.InsecureSignedOnly = signed })
				token := s.login(t, "alice").token()
				want := s.ask(t, "/read").looks()
				calls.Store(0)
				var cookies []string
				for changed := range tampered(bytesOf(t, token), token) {
					cookies = append(cookies, cookieName+"="+changed)
				}
				s.pipeline(t, "/read", cookies, func(i int, answer reply) {
					if got := answer.looks(); got != want {
						t.Fatalf("%q, where the token is %q, is answered with\n%s\nwant\n%s", cookies[i], token, got, want)
					}
				})
				if n := calls.Load(); n != 0 {
					t.Errorf("the store was asked %d times", n)
				}
				if least := 15 * len(token); len(cookies) < least {
					t.Errorf("only %d changes tried, want %d", len(cookies), least)
				}
				if got := s.ask(t, "/read", cookieName+"="+token).state(t); got.User != "alice" {
					t.Errorf("the token itself: %+v", got)
				}
			})
		}
	}
}

// tampered returns a token in many changed forms.
func tampered(raw []byte, token string) map[string]bool {
	all := make(map[string]bool)
	mask := func(i int, mask byte) {
		changed := slices.Clone(raw)
		changed[i] ^= mask
		all[text(changed)] = true
	}
	for i := range raw {
		for bit := range 8 {
			mask(i, 1<<bit)
		}
		mask(i, 0xff)
		mask(i, raw[i]) // zeroed
		all[text(slices.Delete(slices.Clone(raw), i, i+1))] = true
		all[text(slices.Insert(slices.Clone(raw), i, 0))] = true
		all[text(raw[i:])+text(raw[:i])] = true // rotated
		if i > 0 {
			changed := slices.Clone(raw)
			changed[i], changed[i-1] = changed[i-1], changed[i]
			all[text(changed)] = true
		}
	}
	for i := range token {
		all[token[:i]] = true
		all[token[i+1:]] = true
		// The character's neighbours: in the last place they may stand for the
		// same bytes to a lenient decoder.
		at := strings.IndexByte(alphabet, token[i])
		for _, step := range []int{1, 2, 3, 32} {
			all[token[:i]+alphabet[(at+step)%64:][:1]+token[i+1:]] = true
		}
		for _, c := range []string{"=", "+", "/", ".", "~", "*", " "} {
			all[token[:i]+c+token[i+1:]] = true
		}
	}
	for n := range 2 * len(raw) {
		all[token+strings.Repeat("A", n+1)] = true
		all[strings.Repeat("A", n+1)+token] = true
		all[text(append(slices.Clone(raw), make([]byte, n+1)...))] = true
		all[text(make([]byte, n))] = true
	}
	for first := range 256 {
		all[text(append([]byte{byte(first)}, raw[1:]...))] = true
	}
	all[token+token] = true
	delete(all, token) // where two neighbours were equal, or a byte was zero
	return all
}
