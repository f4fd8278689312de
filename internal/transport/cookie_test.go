package transport_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/transport"
)

func newCookie(name string, pieces int, formerNames ...string) *transport.Transport {
	return transport.NewCookie(http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true}, pieces, formerNames...)
}

func TestCookieValuesAreThoseOfNetHTTP(t *testing.T) {
	for _, line := range []string{
		"", ";", "=", "a", "a=", "a=1", " a=1", "a =1", "a= 1", "a=1;a=2", "a=1; a=2", "b=1; a=2", "A=1", "aa=1; a=2",
		`a="1"`, `a="`, `a=""`, `a="1`, `a=1"`, "a=1,2", "a=1 2", "a=\x01", "a=ä", "a=1\\2", "\ta=1\t", "a=b=c", "a==", "a=1;;a=2", "$a=1; a=1",
		"a\t=1", "a = 1", "a=\t1", "(a=1; a=2", "a;a=1", "a=\x7f", "a=1;\x00a=2",
	} {
		checkCookieValues(t, []string{line}, "a")
	}
}

// checkCookieValues holds the scan in place against net/http, which leaves out
// the values that no cookie may have.
func checkCookieValues(t *testing.T, lines []string, name string) {
	t.Helper()
	r := &http.Request{Header: http.Header{"Cookie": lines}}
	var want []string
	for _, c := range r.CookiesNamed(name) {
		want = append(want, c.Value)
	}
	var all []string
	candidates, _ := newCookie(name, 1).Read(nil, lines)
	for _, c := range candidates {
		all = append(all, c.Token)
	}
	got := slices.DeleteFunc(slices.Clone(all), func(value string) bool {
		return (&http.Cookie{Name: name, Value: value}).Valid() != nil
	})
	if len(all) == transport.MaxCandidates {
		want = want[:min(len(want), len(got))]
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q has values %q, which net/http reads as %q", lines, all, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("sid=abc", "lang=en")
	f.Add("lang=en; sid=2.abc; sid-1=AAAA", `sid="abc"`)
	f.Fuzz(func(t *testing.T, first, second string) {
		checkCookieValues(t, []string{first, second}, "sid")
		candidates, seen := newCookie("sid", 8, "old").Read(nil, []string{first, second})
		if len(candidates) > 0 != seen.Any() && len(candidates) > 0 {
			t.Errorf("%q, %q: %d candidates, seen %v", first, second, len(candidates), seen.Any())
		}
	})
}

// An attacker who has no token at all can still send pieces as large as a header
// may be, several times over.
func TestPiecesOfAnySizeAreNotPutTogether(t *testing.T) {
	c := newCookie("sid", 3)
	room := 3*4096 - len("sid"+"sid-1"+"sid-2") - len("3.")
	longest := func(length int) (n int) {
		piece := strings.Repeat("A", length/3)
		pair := "sid=3." + piece + strings.Repeat("A", length%3)
		candidates, _ := c.Read(nil, []string{
			strings.Repeat(pair+"; ", transport.MaxCandidates) + "sid-1=" + piece + "; sid-2=" + piece,
		})
		for _, candidate := range candidates {
			n = max(n, len(candidate.Token))
		}
		return n
	}
	if got := longest(room); got != room {
		t.Errorf("pieces of %d bytes: put together to %d", room, got)
	}
	if got := longest(room + 1); got > room/3+3 {
		t.Errorf("pieces of %d bytes: put together to %d", room+1, got)
	}
}

// TestFormerNames: cookies of former names are read after those of the present
// one, never set, and expired by a logout.
func TestFormerNames(t *testing.T) {
	c := newCookie("new", 1, "old", "older")
	candidates, seen := c.Read(nil, []string{"older=3; old=2; new=1; newer=4"})
	want := []transport.Candidate{{Token: "1"}, {Token: "2", Name: 1}, {Token: "3", Name: 2}}
	if !slices.Equal(candidates, want) {
		t.Errorf("candidates %v, want %v", candidates, want)
	}
	header := http.Header{}
	c.Write(header, "5", 0, seen)
	if got := strings.Join(header["Set-Cookie"], "\n"); !strings.HasPrefix(got, "new=5;") || strings.Contains(got, "old") {
		t.Errorf("set: %q", got)
	}
	header = http.Header{}
	c.Expire(header, seen, "shop.test", "/")
	for i, name := range []string{"new", "old", "older"} {
		if got := header["Set-Cookie"][i]; !strings.HasPrefix(got, name+"=;") || !strings.HasSuffix(got, "Max-Age=0") {
			t.Errorf("expired: %q, want %s", got, name)
		}
	}
}

// TestExpireVariants: if a browser has sent two cookies of the name, an earlier
// deployment has set one with another Domain or Path, and a logout expires each
// that it can name.
func TestExpireVariants(t *testing.T) {
	c := transport.NewCookie(http.Cookie{Name: "sid", Path: "/app", Domain: "shop.test", HttpOnly: true}, 1)
	_, one := c.Read(nil, []string{"sid=1"})
	_, two := c.Read(nil, []string{"sid=1; sid=2"})
	header := http.Header{}
	if c.Expire(header, one, "www.shop.test:8080", "/app/cart/add"); len(header["Set-Cookie"]) != 1 {
		t.Errorf("one cookie: %q", header["Set-Cookie"])
	}
	header = http.Header{}
	c.Expire(header, two, "www.shop.test:8080", "/app/cart/add")
	for _, want := range []string{
		"sid=; Path=/app; Domain=shop.test; HttpOnly; Max-Age=0", "sid=; Path=/; HttpOnly; Max-Age=0",
		"sid=; Path=/app; HttpOnly; Max-Age=0", "sid=; Path=/; Domain=www.shop.test; HttpOnly; Max-Age=0",
		"sid=; Path=/app/; HttpOnly; Max-Age=0", "sid=; Path=/app/cart; Domain=shop.test; HttpOnly; Max-Age=0",
	} {
		if !slices.Contains(header["Set-Cookie"], want) {
			t.Errorf("missing %q in %q", want, header["Set-Cookie"])
		}
	}
}

// TestRemove: a gateway takes its own tokens off a request, and nothing else.
func TestRemove(t *testing.T) {
	for _, test := range []struct {
		name      string
		transport *transport.Transport
		header    http.Header
		want      http.Header
	}{
		{"cookies", newCookie("sid", 3, "old"), http.Header{"Cookie": {"a=1; sid=x; sid-1=y; sid-2=z; sid-3=no", "old=x"}}, http.Header{"Cookie": {"a=1; sid-3=no"}}},
		{"only cookies of ours", newCookie("sid", 1), http.Header{"Cookie": {"sid=x"}}, http.Header{}},
		{"credentials", transport.NewHeader("Authorization", "Bearer ", "Authorization"), http.Header{"Authorization": {"bearer x"}}, http.Header{}},
		{"other credentials", transport.NewHeader("Authorization", "Bearer ", "Authorization"), http.Header{"Authorization": {"Basic x"}}, http.Header{"Authorization": {"Basic x"}}},
	} {
		test.transport.Remove(test.header)
		if len(test.header) != len(test.want) || !slices.Equal(test.header["Cookie"], test.want["Cookie"]) ||
			!slices.Equal(test.header["Authorization"], test.want["Authorization"]) {
			t.Errorf("%s: %v, want %v", test.name, test.header, test.want)
		}
	}
}
