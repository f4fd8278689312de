package attacks_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// TestGarbageCookies: ten thousand requests with cookies that nobody issued cost
// the store nothing, and everybody else nothing of it.
func TestGarbageCookies(t *testing.T) {
	for _, st := range []store.Store{memory.New(), cookie.New()} {
		inner, calls := count(st)
		s := newSite(t, inner)
		token := s.login(t, "alice").token()
		raw := bytesOf(t, token)
		random := rand.New(rand.NewPCG(1, 2))
		const requests = 10_000
		cookies := make([]string, requests)
		for i := range cookies {
			// Garbage; or a genuine version and key id, which everybody who has
			// a session knows; or all of the nonce too.
			genuine := []int{0, 5, 5 + 24}[i%3]
			garbage := append(raw[:genuine:genuine], make([]byte, len(raw)-genuine)...)
			for j := genuine; j < len(garbage); j++ {
				garbage[j] = byte(random.Uint32())
			}
			cookies[i] = cookieName + "=" + text(garbage)
		}
		calls.Store(0)
		want := s.ask(t, "/read").looks()
		s.pipeline(t, "/read", cookies, func(i int, answer reply) {
			if got := answer.looks(); got != want {
				t.Fatalf("cookie %d is answered with\n%s\nwant\n%s", i, got, want)
			}
		})
		if n := calls.Load(); n != 0 {
			t.Errorf("%d garbage cookies cost %d calls of the store", requests, n)
		}
		if got := s.ask(t, "/read", cookieName+"="+token).state(t); got.User != "alice" {
			t.Errorf("afterwards: %+v", got)
		}
	}
}

// TestHeaderFlood fills a request's header up to the server's limit of 1 MiB with
// cookies, in one line and in thousands. The store is not asked, or as often as
// there are candidates, and the memory that it takes is that of the header.
func TestHeaderFlood(t *testing.T) {
	inner, calls := count(memory.New())
	s := newSite(t, inner)
	token := s.login(t, "alice").token()
	var dead []string
	for range 2 * candidates {
		b := s.login(t, "mallory")
		dead = append(dead, cookieName+"="+b.token())
		b.get(t, "/logout")
	}
	const limit = http.DefaultMaxHeaderBytes
	fill := func(pair string) string { return strings.Repeat(pair+"; ", limit/(len(pair)+2)-10) }
	lines := func(line string, n int) []string { return strings.Split(strings.Repeat(line+"\n", n), "\n")[:n] }
	tests := []struct {
		name  string
		lines []string
		calls int64
		user  string
	}{
		{"pairs of other names", []string{"Cookie: " + fill("a=b")}, 0, ""},
		{"pairs of other names, and ours behind", []string{"Cookie: " + fill("a=b")[200:] + cookieName + "=" + token}, 1, "alice"},
		{"empty pairs", []string{"Cookie: " + strings.Repeat(";", limit-100)}, 0, ""},
		{"blanks", []string{"Cookie: " + strings.Repeat(" ", limit-100)}, 0, ""},
		{"equals signs", []string{"Cookie: " + strings.Repeat("=", limit-100)}, 0, ""},
		{"our name without a value", []string{"Cookie: " + fill(cookieName)}, 0, ""},
		{"our name with an empty value", []string{"Cookie: " + fill(cookieName+"=")}, 0, ""},
		{"our name with values that are none", []string{"Cookie: " + fill(cookieName+"=\"")}, 0, ""},
		{"garbage of our name", []string{"Cookie: " + fill(cookieName+"="+token[1:])}, 0, ""},
		{"one huge value", []string{"Cookie: " + cookieName + "=" + strings.Repeat("A", limit-200)}, 0, ""},
		{"one huge name", []string{"Cookie: " + cookieName + strings.Repeat("A", limit-200) + "=x"}, 0, ""},
		{"a huge name of ours with chunks", []string{"Cookie: " + fill(cookieName+"-1=A")}, 0, ""},
		{"ours, thousands of times", []string{"Cookie: " + fill(cookieName+"="+token)}, 1, "alice"},
		{"dead ones", []string{"Cookie: " + fill(strings.Join(dead, "; "))}, candidates, ""},
		{"thousands of lines", lines("Cookie: a=b", 60_000), 0, ""},
		{"thousands of lines of our name", lines("Cookie: "+cookieName+"=x", 30_000), 0, ""},
		{"thousands of dead ones in lines", lines("Cookie: "+dead[0], 5_000), candidates, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			calls.Store(0)
			ignored := make([]string, len(test.lines))
			for i, line := range test.lines {
				ignored[i] = "Ignore" + strings.TrimPrefix(line, "Cookie")
			}
			plain := allocated(func() { s.raw(t, "/read", ignored...) })
			used := allocated(func() {
				if got := s.raw(t, "/read", test.lines...).state(t); got.User != test.user {
					t.Errorf("state %+v, want the user %q", got, test.user)
				}
			})
			if n := calls.Load(); n != test.calls {
				t.Errorf("the store was asked %d times, want %d", n, test.calls)
			}
			// Beyond what the same header costs where nobody reads it.
			if most := plain + plain/4 + mebibyte; used > most {
				t.Errorf("%d bytes were allocated, want %d at most", used, most)
			}
		})
	}
	over := s.raw(t, "/read", "Cookie: "+strings.Repeat("a", limit+10_000))
	if over.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a larger header: status %d", over.status)
	}
}

// TestFloodOfBearers: the same for tokens in headers.
func TestFloodOfBearers(t *testing.T) {
	inner, calls := count(memory.New())
	s := newSite(t, inner, func(c *config) { c.Transport = session.Bearer() })
	token := strings.TrimPrefix(s.do(t, "/login?user=alice", http.Header{}).header.Get("Authorization"), "Bearer ")
	calls.Store(0)
	for what, lines := range map[string][]string{
		"garbage":        {"Bearer garbage"},
		"other schemes":  {"Basic " + token, "Negotiate " + token, "Bearer" + token, "Bearer", token},
		"lists":          {"Bearer x, Bearer " + token, "Bearer token=" + token, "Bearer \"" + token + "\""},
		"inner blanks":   {"Bearer " + token[:5] + " " + token[5:], "Bearer Bearer " + token},
		"a huge garbage": {"Bearer " + strings.Repeat("A", 500_000)},
	} {
		var all []string
		for range 1000/len(lines) + 1 {
			all = append(all, lines...)
		}
		if what == "a huge garbage" {
			all = lines
		}
		for i, line := range all {
			all[i] = "Authorization: " + line
		}
		if got := s.raw(t, "/read", all...).state(t); got != (state{}) {
			t.Errorf("%s opens %+v", what, got)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	for _, line := range []string{"Bearer  \t" + token + "\t", "bEARER " + token} {
		if got := s.raw(t, "/read", "Authorization: "+line).state(t); got.User != "alice" {
			t.Errorf("%.12q: %+v", line, got)
		}
	}
}

// TestVisitorsCostNothing: whoever changes nothing leaves nothing behind, so that
// a flood of visitors fills no store. One that changes something does: how many
// of those come is for the application, or what stands in front of it, to limit.
func TestVisitorsCostNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, st store.Store) {
		inner, calls := count(st)
		s := newSite(t, inner)
		cookies := make([]string, 1000)
		for i := range cookies {
			cookies[i] = fmt.Sprintf("visitor=%d", i)
		}
		for _, path := range []string{"/read", "/renew", "/logout", "/leave", "/login?user=", "/note?text="} {
			s.pipeline(t, path, cookies[:200], func(_ int, answer reply) {
				if got := answer.header.Get("Set-Cookie"); got != "" {
					t.Fatalf("%s: Set-Cookie %q", path, got)
				}
			})
		}
		if n := calls.Load(); n != 0 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}
