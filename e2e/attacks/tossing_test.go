package attacks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// candidates is how many cookies of one name a manager tries.
const candidates = 8

// TestTossedCookies: a subdomain plants cookies of the session's name, which the
// browser sends in front of the real one, behind it, or in another line. None
// hides it, and none is believed.
func TestTossedCookies(t *testing.T) {
	for name, options := range map[string]func(*config){
		"__Host-session":   func(*config) {},
		"__Secure-session": func(c *config) { c.Cookie.Domain = "example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, st store.Store) {
				s := newSite(t, st, options)
				victim := s.login(t, "victim")
				real := name + "=" + victim.cookies[name]
				foreign := newSite(t, memory.New(), options).login(t, "mallory").cookies[name]
				dead := s.login(t, "mallory")
				old := dead.cookies[name]
				if _, ok := st.(store.ClientHeld); ok {
					old = foreign // such a cookie does not die
				}
				dead.get(t, "/logout")

				for what, value := range map[string]string{
					"nothing": "", "garbage": "x", "foreign": foreign, "dead": old,
					"cut": victim.cookies[name][1:], "huge": strings.Repeat("A", 10_000),
				} {
					planted := name + "=" + value
					for _, n := range []int{1, 2, candidates - 1} {
						before := strings.Repeat(planted+"; ", n)
						for where, lines := range map[string][]string{
							"before":           {before + real},
							"behind":           {real + strings.Repeat("; "+planted, n)},
							"around":           {before + real + "; " + planted},
							"in another line":  {before[:len(before)-2], real},
							"in a line behind": {real, planted},
						} {
							if got := s.ask(t, "/read", lines...).state(t); got.User != "victim" {
								t.Errorf("%d times %s %s: %+v", n, what, where, got)
							}
						}
					}
					// More than that is a denial of service, which a subdomain
					// has simpler means for; but never anybody's session.
					flood := strings.Repeat(planted+"; ", 2*candidates)
					if got := s.ask(t, "/read", flood+real).state(t); got != (state{}) {
						t.Errorf("a flood of %s: %+v", what, got)
					}
				}
			})
		})
	}
}

// TestTossedSession: the attacker plants a session of their own, so that the
// victim enters a credit card into the attacker's account. A browser lets no
// subdomain do that to a __Host- cookie; where the application gives that up,
// the first cookie that authenticates counts, and the two are never mixed.
func TestTossedSession(t *testing.T) {
	s := newSite(t, memory.New(), func(c *config) { c.Cookie.Domain = "example.com" })
	const name = "__Secure-session"
	victim, attacker := s.login(t, "victim"), s.login(t, "mallory")
	answer := s.ask(t, "/note?text=secret", name+"="+attacker.cookies[name]+"; "+name+"="+victim.cookies[name])
	if got := answer.state(t); got.User != "mallory" {
		t.Errorf("the user is %q; if this is prevented now, say so in the documentation", got.User)
	}
	if got := victim.get(t, "/read").state(t); got.Note != "" {
		t.Errorf("the victim's own session has changed: %+v", got)
	}

	line := newSite(t, memory.New()).ask(t, "/login?user=victim").header.Get("Set-Cookie")
	for _, want := range []string{"__Host-", "; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(line, want) {
			t.Errorf("Set-Cookie %q lacks %q", line, want)
		}
	}
	if strings.Contains(line, "Domain") {
		t.Errorf("Set-Cookie %q names a domain", line)
	}
}

// TestDisguisedNames: a browser guards the name that it sees. Names which it
// takes for others, but a lenient server makes into ours again, would get past
// the __Host- prefix; so would the ancient syntax with $Version.
func TestDisguisedNames(t *testing.T) {
	inner, calls := count(memory.New())
	s := newSite(t, inner)
	token := s.login(t, "mallory").token()
	calls.Store(0)
	for _, cookie := range []string{
		"=" + cookieName + "=%s",
		"= " + cookieName + "=%s",
		"\u00a0" + cookieName + "=%s",
		"\u2000" + cookieName + "=%s",
		"\u3000" + cookieName + "=%s",
		"\ufeff" + cookieName + "=%s",
		"\u0085" + cookieName + "=%s",
		"\xa0" + cookieName + "=%s",
		"\x85" + cookieName + "=%s",
		cookieName + "\u2000=%s",
		cookieName + "\xa0=%s",
		"__host-session=%s",
		"__HOST-SESSION=%s",
		"__%%48ost-session=%s",
		"%%5f_Host-session=%s",
		"\"" + cookieName + "\"=%s",
		"a[" + cookieName + "]=%s",
		"__Host.session=%s",
		"__Host session=%s",
		"_\u200b_Host-session=%s",
		"__Host-sessio\u0578=%s",
		"x" + cookieName + "=%s",
		cookieName + "-1=%s",
		"$Version=1, " + cookieName + "=%s; $Path=/; $Domain=example.com",
		"$Version=\"1\", " + cookieName + "=%s",
		"a=\"b, " + cookieName + "=%s\"",
		"a=\"b; c=" + cookieName + "=%s\"",
		"a, " + cookieName + "=%s",
		"a=b," + cookieName + "=%s",
		"a=b& " + cookieName + "=%s",
		cookieName + ":%s",
		cookieName + "%s",
	} {
		line := "Cookie: " + fmt.Sprintf(cookie, token)
		if got := s.raw(t, "/read", line).state(t); got != (state{}) {
			t.Errorf("%q opens the session of %q", cookie, got.User)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	// The one that is none, to see that the others fail for what they are.
	if got := s.raw(t, "/read", "Cookie: "+cookieName+"="+token).state(t); got.User != "mallory" {
		t.Errorf("the cookie itself: %+v", got)
	}
}

// TestSpellingsOfACookie: what browsers and proxies may do to a cookie without
// changing it is the same cookie still, and a value has one spelling only.
func TestSpellingsOfACookie(t *testing.T) {
	s := newSite(t, memory.New())
	token := s.login(t, "alice").token()
	same := []string{
		cookieName + "=" + token,
		" \t" + cookieName + "=" + token + " \t",
		";;; ;" + cookieName + "=" + token + ";;",
		cookieName + "=\"" + token + "\"",
		cookieName + " =" + token,
	}
	other := []string{
		cookieName + "= " + token,
		cookieName + "=\"" + token,
		cookieName + "=" + token + "\"",
		cookieName + "=\"\"" + token + "\"\"",
		cookieName + "='" + token + "'",
		cookieName + "==" + token,
		cookieName + "=" + token + "=",
		cookieName + "=" + token + ".",
		cookieName + "=" + token + ",",
		cookieName + "=" + token + "%00",
		cookieName + "=%20" + token,
		cookieName + "=" + token[:9] + " " + token[9:],
		cookieName + "=" + token[:9] + "\\" + token[9:],
		cookieName + "=" + token[:9] + "%0A" + token[9:],
		cookieName + "=" + strings.ToUpper(token),
	}
	for _, line := range same {
		if got := s.raw(t, "/read", "Cookie: "+line).state(t); got.User != "alice" {
			t.Errorf("%q does not open", line)
		}
	}
	for _, line := range other {
		if got := s.raw(t, "/read", "Cookie: "+line).state(t); got != (state{}) {
			t.Errorf("%q opens", line)
		}
	}
}
