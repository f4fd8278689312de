package attacks_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

// TestChunks mixes, drops, doubles and miscounts the pieces of tokens that are
// spread over several cookies. Only a whole token opens, as the one it is.
func TestChunks(t *testing.T) {
	inner, calls := count(cookie.New())
	s := newSite(t, inner, func(c *config) { c.Cookie.MaxChunks = 8 })
	pieces := func(user string) []string {
		b := s.login(t, user)
		b.get(t, "/note?text="+strings.Repeat(user, 9000/len(user)))
		var all []string
		for i := range 9 {
			name := cookieName
			if i > 0 {
				name += "-" + strconv.Itoa(i)
			}
			if value, ok := b.cookies[name]; ok {
				all = append(all, value)
			}
		}
		return all
	}
	a := pieces("alice")
	time.Sleep(2 * time.Millisecond) // mallory's are newer by the clock of records
	b := pieces("mallory")
	if len(a) < 3 || len(b) != len(a) {
		t.Fatalf("%d and %d pieces, want 3 or more", len(a), len(b))
	}
	small := s.login(t, "small").token()
	calls.Store(0)

	// try presents pieces in the places 0, 1, 2, as "name=value".
	try := func(what, want string, pairs ...string) {
		t.Helper()
		answer := s.ask(t, "/read", strings.Join(pairs, "; "))
		if got := answer.state(t); got.User != want {
			t.Errorf("%s: opens the session of %q, want %q", what, got.User, want)
		}
		if got := answer.header.Get("Set-Cookie"); got != "" {
			t.Errorf("%s: Set-Cookie %.100q", what, got)
		}
	}
	piece := func(i int, value string) string {
		if i == 0 {
			return cookieName + "=" + value
		}
		return fmt.Sprintf("%s-%d=%s", cookieName, i, value)
	}
	set := func(values []string) (pairs []string) {
		for i, value := range values {
			pairs = append(pairs, piece(i, value))
		}
		return pairs
	}
	last := len(a) - 1
	for i := range a {
		mixed := append([]string(nil), a...)
		mixed[i] = b[i]
		try(fmt.Sprintf("piece %d of another", i), "", set(mixed)...)
		try(fmt.Sprintf("without piece %d", i), "", append(set(a)[:i:i], set(a)[i+1:]...)...)
		mixed[i] = ""
		try(fmt.Sprintf("piece %d empty", i), "", set(mixed)...)
		mixed[i] = a[(i+1)%len(a)]
		try(fmt.Sprintf("piece %d doubled", i), "", set(mixed)...)
		mixed[i] = a[i][:len(a[i])-1]
		try(fmt.Sprintf("piece %d cut", i), "", set(mixed)...)
		mixed[i] = small
		try(fmt.Sprintf("piece %d a whole token", i), map[bool]string{true: "small"}[i == 0], set(mixed)...)
	}
	for n := byte('!'); n < 0x7f; n++ {
		lie := string([]byte{n})
		if strings.Contains(`;"\`, lie) {
			continue // no cookie
		}
		try("a count for a whole token: "+lie, "", piece(0, lie+"."+small))
		if lie != a[0][:1] {
			try("a count of "+lie, "", set(append([]string{lie + a[0][1:]}, a[1:]...))...)
		}
	}
	try("a count of a number too large", "", set(append([]string{"99." + a[0][2:]}, a[1:]...))...)
	try("a count for a token that is cut in two", "small", piece(0, "2."+small[:50]), piece(1, small[50:]))
	try("exchanged pieces", "", piece(0, a[0]), piece(1, a[2]), piece(2, a[1]))
	try("no first piece", "", set(a)[1:]...)
	try("the pieces in another order", "alice", set(a)[last], set(a)[1], set(a)[0])
	try("one piece too many", "alice", append(set(a), piece(len(a), "planted"))...)
	if n, most := calls.Load(), int64(4); n > most {
		t.Errorf("the store was asked %d times, want %d at most", n, most)
	}

	// Two whole sets, each of which an attacker may have planted, in the order
	// in which browsers send them: neither is mixed into the other. The one that
	// was issued last counts, wherever it stands: an earlier deployment may have
	// left the other one under another Path or Domain.
	try("a newer set behind", "mallory", append(set(a), set(b)...)...)
	try("a newer set before", "mallory", append(set(b), set(a)...)...)
	garbage := set([]string{"3.planted", "planted", "planted"})
	try("a set of garbage before", "alice", append(garbage, set(a)...)...)
	try("a set of garbage behind", "alice", append(set(a), garbage...)...)
	// A single planted piece before the real one is a denial of service. It
	// takes a sibling domain, and a name without __Host-.
	try("a planted piece", "", append([]string{piece(1, "planted")}, set(a)...)...)
}

// TestChunksOfAnotherName: a cookie that is named like a chunk is no session's,
// and the manager that owns no chunks does not touch it.
func TestChunksOfAnotherName(t *testing.T) {
	key := session.NewKey()
	with := func(c *config) { c.Keys = []session.Key{key} }
	s := newSite(t, cookie.New(), with)
	token := s.login(t, "alice").token()
	half := len(token) / 2
	pairs := cookieName + "=2." + token[:half] + "; " + cookieName + "-1=" + token[half:]
	answer := s.ask(t, "/logout", pairs)
	if got := answer.state(t); got != (state{}) {
		t.Errorf("state %+v", got)
	}
	if got := answer.header.Values("Set-Cookie"); len(got) != 1 {
		t.Errorf("cookies %q, want the session's own only", got)
	}
}
