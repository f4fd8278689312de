package browser_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestStateThatFitsInNoCookieIsRefusedAloud(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		s.warns = true // of what it refuses
		b := s.visitor()
		b.buy("mug")
		b.signIn(false)
		kept := 0
		for _, characters := range []int{2000, 4000, 1000} {
			b.open("/cart")
			b.fill("#note", strings.Repeat("x", characters))
			status, err := b.leads(press("form[action='/note'] button"))
			switch {
			case err != nil:
				t.Fatal(err)
			case characters <= 2000 || s.held():
				kept = characters
				b.wants("We will write it on a card.")
			default:
				// A browser drops a cookie over 4096 bytes without a word, and
				// would show a success that was none.
				if status != http.StatusRequestEntityTooLarge {
					t.Errorf("a note of %d characters was answered with %d", characters, status)
				}
				b.wants("That is too much to remember")
			}
			b.open("/cart")
			b.wants("Morning mug", "Sign out")
			if got := js[int](b, "document.querySelector('#note').value.length"); got != kept {
				t.Errorf("after a note of %d characters there are %d, want %d", characters, got, kept)
			}
			if c := b.cookie(); len(c.Name)+len(c.Value) > 4096 {
				t.Errorf("the cookie has %d bytes", len(c.Name)+len(c.Value))
			}
		}
	})
}
