package attacks_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
)

const mebibyte = 1 << 20

// allocated returns how many bytes are allocated while fn runs, by everybody.
// Tests that measure do not run beside others.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// deflated returns so many zeros compressed, about a thousandth of them.
func deflated(t testing.TB, zeros int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, mebibyte)
	for ; zeros > 0; zeros -= len(chunk) {
		if _, err := w.Write(chunk[:min(zeros, len(chunk))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// compressedState is what codec.Compress reads, with whatever length it claims.
func compressedState(length uint64, stream []byte) []byte {
	return append(binary.AppendUvarint([]byte{5}, length), stream...)
}

// bombs are encoded states that want a thousand times their size, and more.
func bombs(t testing.TB, zeros int) map[string][]byte {
	t.Helper()
	stream := deflated(t, zeros)
	many := func(first ...byte) []byte { return append([]byte{1}, first...) }
	nested := append([]byte{1}, bytes.Repeat([]byte{0x91}, 10_000)...)
	return map[string][]byte{
		"an honest length":                  compressedState(uint64(zeros), stream),
		"the length that is just allowed":   compressedState(mebibyte, stream),
		"a length of one":                   compressedState(1, stream),
		"a length of 2^63":                  compressedState(1<<63, stream),
		"the allowed length and no content": compressedState(mebibyte, nil),
		"a bomb within a bomb":              compressedState(mebibyte, deflated(t, mebibyte)),
		"an array of 2^32-1":                many(0xdd, 0xff, 0xff, 0xff, 0xff),
		"a map of 2^32-1":                   many(0xdf, 0xff, 0xff, 0xff, 0xff),
		"a text of 2^32-1":                  many(0x81, 0xa4, 'U', 's', 'e', 'r', 0xdb, 0xff, 0xff, 0xff, 0xff),
		"ten thousand arrays":               nested,
	}
}

// compress is an option.
func compress(c *config) {
	c.Codec = codec.Compress(codec.MsgPack[state](), 0)
	c.Cookie.MaxChunks = 8
}

// TestBombsInCookies: only who has the key can make these, or can record them
// before an upgrade narrows the limit. Each costs a bounded piece of memory, and
// the request, which brings several, is answered as a stranger's.
func TestBombsInCookies(t *testing.T) {
	key := session.NewKey()
	s := newSite(t, cookie.New(), compress, func(c *config) { c.Keys = []session.Key{key} })
	want := s.ask(t, "/read").looks()
	now := time.Now()
	for what, bomb := range bombs(t, 16*mebibyte) {
		token := forgedToken(t, key, forgedPayload(now, now, nil, bomb), now.Add(time.Hour))
		var all []string
		for range 12 {
			all = append(all, cookieName+"="+token)
		}
		used := allocated(func() {
			if got := s.ask(t, "/read", strings.Join(all, "; ")).looks(); got != want {
				t.Errorf("%s: answered with\n%s", what, got)
			}
		})
		t.Logf("%s: %d KiB for %d KiB of cookies", what, used>>10, 12*len(token)>>10)
		// The limit, at most candidates times, and what the request itself costs.
		if most := uint64(2 * candidates * mebibyte); used > most {
			t.Errorf("%s: %d bytes were allocated, want %d at most", what, used, most)
		}
	}
}

// TestBombsInTheStore: who can write to the store can plant larger ones.
func TestBombsInTheStore(t *testing.T) {
	eachHolding(t, func(t *testing.T, st store.Store) {
		s := newSite(t, st, compress)
		b := s.login(t, "alice")
		want := s.ask(t, "/read").looks()
		rec, err := st.Load(t.Context(), sessionID(t, s, b))
		if err != nil {
			t.Fatal(err)
		}
		header := rec.Payload[:bytes.Index(rec.Payload, encoded(t, state{User: "alice"}))]
		for what, bomb := range bombs(t, 16*mebibyte) {
			overwrite(t, s, st, b, func(r *store.Record) { r.Payload = append(bytes.Clone(header), bomb...) })
			used := allocated(func() {
				if got := s.ask(t, "/read", cookieName+"="+b.token()).looks(); got != want {
					t.Errorf("%s: answered with\n%s", what, got)
				}
			})
			t.Logf("%s: %d KiB for %d KiB in the store", what, used>>10, len(bomb)>>10)
			if most := uint64(8 * mebibyte); used > most {
				t.Errorf("%s: %d bytes were allocated, want %d at most", what, used, most)
			}
			restore(t, st, rec)
		}
		if got := b.get(t, "/read").state(t); got.User != "alice" {
			t.Errorf("restored: %+v", got)
		}
	})
}

// TestBombsAmongTheChunks needs no key: pieces of any size, put together for
// each of several first pieces. What a request makes the server allocate stays
// near what the request itself is.
func TestBombsAmongTheChunks(t *testing.T) {
	inner, calls := count(store.Store(cookie.New()))
	s := newSite(t, inner, func(c *config) { c.Cookie.MaxChunks = 8 })
	pairs := strings.Repeat(cookieName+"=8.x; ", candidates)
	for i := 1; i < 8; i++ {
		pairs += cookieName + "-" + string(rune('0'+i)) + "=" + strings.Repeat("A", 140_000) + "; "
	}
	used := allocated(func() {
		if got := s.raw(t, "/read", "Cookie: "+pairs).state(t); got != (state{}) {
			t.Errorf("state %+v", got)
		}
	})
	plain := allocated(func() { s.raw(t, "/read", "X-Other: "+pairs) })
	t.Logf("%d KiB for a header of %d KiB; %d KiB where nobody looks at it", used>>10, len(pairs)>>10, plain>>10)
	if most := plain + 2*mebibyte; used > most {
		t.Errorf("%d bytes were allocated, want %d at most", used, most)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
}

// TestBombsAreAllowedTheirSize: the limit is not so low that an honest state is
// taken for a bomb.
func TestBombsAreAllowedTheirSize(t *testing.T) {
	s := newSite(t, memory.New(), compress)
	b := s.login(t, "alice")
	note := strings.Repeat("a", 500_000)
	b.get(t, "/note?text="+note[:len(note)/2])
	b.get(t, "/note?text="+note[len(note)/2:])
	if got := b.get(t, "/read").state(t); got.Note != note {
		t.Errorf("a note of %d bytes", len(got.Note))
	}
}
