package session_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/internal/transport"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

// noise returns text that no codec makes shorter.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(rand.IntN(26))
	}
	return string(b)
}

func setNote(note string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *state) { s.Note = note })
	}
}

func TestEveryCookieOfTheNameIsTried(t *testing.T) {
	m := newManager(t, memory.New())
	b := newBrowser(t, nil)
	b.do(m, increment)
	own := b.cookies["__Host-session"]
	foreign := newBrowser(t, nil)
	foreign.do(newManager(t, memory.New()), increment)
	planted := foreign.cookies["__Host-session"]
	dead := newBrowser(t, nil)
	dead.do(m, increment)
	ended := dead.cookies["__Host-session"]
	dead.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() })

	header := func(values ...string) string {
		for i, v := range values {
			values[i] = "__Host-session=" + v
		}
		return strings.Join(values, "; ")
	}
	many := slices.Repeat([]string{planted}, transport.MaxCandidates)
	tests := []struct {
		name    string
		cookies []string
		want    int
	}{
		{"alone", []string{header(own)}, 1},
		{"behind a foreign one", []string{header(planted, own)}, 1},
		{"before a foreign one", []string{header(own, planted)}, 1},
		{"behind garbage", []string{header("x", "", "====", own)}, 1},
		{"behind one whose session has ended", []string{header(ended, own)}, 1},
		{"in a header line of its own", []string{header(planted), header(own)}, 1},
		{"as the last that is tried", []string{header(slices.Concat(many[1:], []string{own})...)}, 1},
		{"behind more than are tried", []string{header(slices.Concat(many, []string{own})...)}, 0},
		{"in quotes", []string{header(`"` + own + `"`)}, 1},
		{"under another name", []string{"session=" + own + "; __host-session=" + own}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Cookie"] = test.cookies
			got := -1
			m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = from(r).State().Count })).
				ServeHTTP(httptest.NewRecorder(), r)
			if got != test.want {
				t.Errorf("the session counts %d, want %d", got, test.want)
			}
		})
	}
}

func TestChunksGrowAndShrink(t *testing.T) {
	m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Cookie.MaxChunks = 4 })
	b := newBrowser(t, nil)
	for _, step := range []struct{ size, chunks int }{
		{10, 1}, {3000, 2}, {9500, 4}, {6500, 3}, {100, 1}, {11000, 4}, {10, 1},
	} {
		note := noise(step.size)
		response := b.do(m, setNote(note))
		if response.StatusCode != http.StatusOK {
			t.Fatalf("a note of %d bytes: status %d", step.size, response.StatusCode)
		}
		for _, c := range response.Cookies() {
			if len(c.Name)+len(c.Value) > 4096 {
				t.Errorf("cookie %s of %d bytes is over the limit", c.Name, len(c.Name)+len(c.Value))
			}
		}
		var names []string
		for name := range b.cookies {
			names = append(names, name)
		}
		slices.Sort(names)
		want := []string{"__Host-session"}
		for i := 1; i < step.chunks; i++ {
			want = append(want, fmt.Sprintf("__Host-session-%d", i))
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("a note of %d bytes leaves other cookies (-want +got):\n%s", step.size, diff)
		}
		if got := b.read(m).Note; got != note {
			t.Errorf("a note of %d bytes came back as %.20q of %d", step.size, got, len(got))
		}
	}
	b.do(m, setNote(noise(9500)))
	b.do(m, func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() })
	if len(b.cookies) != 0 {
		t.Errorf("after Destroy the browser keeps %v", b.cookies)
	}
}

func TestChunksAreOneUnit(t *testing.T) {
	m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Cookie.MaxChunks = 4 })
	b := newBrowser(t, nil)
	b.do(m, setNote(noise(6500)))
	older := b.clone()
	b.do(m, setNote(noise(6500)))
	tests := map[string]func(cookies map[string]string){
		"a missing chunk":       func(c map[string]string) { delete(c, "__Host-session-1") },
		"a missing first chunk": func(c map[string]string) { delete(c, "__Host-session") },
		"an older chunk":        func(c map[string]string) { c["__Host-session-1"] = older.cookies["__Host-session-1"] },
		"an older first chunk":  func(c map[string]string) { c["__Host-session"] = older.cookies["__Host-session"] },
		"exchanged chunks": func(c map[string]string) {
			c["__Host-session-1"], c["__Host-session-2"] = c["__Host-session-2"], c["__Host-session-1"]
		},
		"a longer chunk":          func(c map[string]string) { c["__Host-session-2"] += "AAAA" },
		"fewer chunks announced":  func(c map[string]string) { c["__Host-session"] = "2" + c["__Host-session"][1:] },
		"too many announced":      func(c map[string]string) { c["__Host-session"] = "9" + c["__Host-session"][1:] },
		"none announced":          func(c map[string]string) { c["__Host-session"] = "0" + c["__Host-session"][1:] },
		"no number announced":     func(c map[string]string) { c["__Host-session"] = "x" + c["__Host-session"][1:] },
		"nothing but the number":  func(c map[string]string) { c["__Host-session"] = "3." },
		"the number by itself":    func(c map[string]string) { c["__Host-session"] = "3" },
		"first chunk under chunk": func(c map[string]string) { c["__Host-session-1"] = c["__Host-session"] },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			damaged := b.clone()
			damage(damaged.cookies)
			if got := damaged.read(m); got.Note != "" {
				t.Errorf("the session opens: %.20q", got.Note)
			}
		})
	}
	t.Run("a whole older set in front", func(t *testing.T) {
		r := b.request("/")
		r.Header["Cookie"] = []string{newBrowserWith(t, map[string]string{
			"__Host-session": "3.AAAA", "__Host-session-1": "AAAA", "__Host-session-2": "AAAA",
		}).request("/").Header.Get("Cookie"), r.Header.Get("Cookie")}
		note := ""
		m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note = from(r).State().Note })).
			ServeHTTP(httptest.NewRecorder(), r)
		if len(note) != 6500 {
			t.Error("a planted set of cookies hides the real one")
		}
	})
}

// A session that is lost because a piece of its token is must not be lost
// without a word.
func TestMissingChunkIsReported(t *testing.T) {
	var log recordingObserver
	m := newManager(t, cookie.New(), func(c *session.Config[state]) {
		c.Cookie.MaxChunks = 4
		c.Observer = log.observe
	})
	b := newBrowser(t, nil)
	b.do(m, setNote(noise(6500)))
	log.want(t, "created")
	delete(b.cookies, "__Host-session-1")
	if b.read(m).Note != "" {
		t.Fatal("it opened")
	}
	log.want(t, "rejected:unauthentic")
}

func newBrowserWith(t testing.TB, cookies map[string]string) *browser {
	b := newBrowser(t, nil)
	b.cookies = cookies
	return b
}

func TestTooLargeIsAnErrorThatNamesSizeAndLimit(t *testing.T) {
	for _, chunks := range []int{1, 3} {
		var failure error
		m := newManager(t, cookie.New(), func(c *session.Config[state]) {
			c.Cookie.MaxChunks = chunks
			c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
				failure = err
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		b := newBrowser(t, nil)
		b.do(m, setNote("small"))
		before := b.clone()
		response := b.do(m, setNote(noise(chunks*4000)))
		if response.StatusCode != http.StatusInternalServerError || len(response.Header["Set-Cookie"]) > 0 {
			t.Errorf("%d chunks: status %d, cookies %q", chunks, response.StatusCode, response.Header["Set-Cookie"])
		}
		text := fmt.Sprint(failure)
		if !strings.Contains(text, "too large") || !strings.Contains(text, "limit") {
			t.Errorf("%d chunks: error %q", chunks, text)
		}
		if !cmp.Equal(b.cookies, before.cookies) || b.read(m).Note != "small" {
			t.Errorf("%d chunks: the session is not what it was", chunks)
		}
	}
}

func TestTheLargestStateThatFits(t *testing.T) {
	for _, chunks := range []int{1, 2, 8} {
		m := newManager(t, cookie.New(), func(c *session.Config[state]) { c.Cookie.MaxChunks = chunks })
		// Find the first size that does not fit; the one before it must come
		// back whole, in cookies that are full to the last byte or two.
		low, high := 0, chunks*4096
		for low+1 < high {
			mid := (low + high) / 2
			b := newBrowser(t, nil)
			if b.do(m, setNote(noise(mid))).StatusCode == http.StatusOK {
				low = mid
			} else {
				high = mid
			}
		}
		b := newBrowser(t, nil)
		note := noise(low)
		response := b.do(m, setNote(note))
		total := 0
		for _, c := range response.Cookies() {
			if size := len(c.Name) + len(c.Value); size > 4096 {
				t.Errorf("%d chunks: cookie of %d bytes", chunks, size)
			} else {
				total += size
			}
		}
		if room := chunks*4096 - total; room < 0 || room > 3 || len(response.Cookies()) != chunks {
			t.Errorf("%d chunks: %d cookies with %d bytes to spare", chunks, len(response.Cookies()), room)
		}
		if b.read(m).Note != note {
			t.Errorf("%d chunks: the note does not come back", chunks)
		}
	}
}
