package codec_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/codec"
)

// TestWhatIsCompressed: what is small or does not shrink passes through as the
// inner codec wrote it, and what is compressed is smaller.
func TestWhatIsCompressed(t *testing.T) {
	noise := make([]byte, 10_000)
	rand.Read(noise)
	inner := codec.MsgPack[[]byte]()
	c := codec.Compress(inner, 0)
	tests := []struct {
		name       string
		state      []byte
		compressed bool
	}{
		{"nothing", nil, false},
		{"255 bytes in all", make([]byte, 255-3), false},
		{"256 bytes in all", make([]byte, 256-3), true},
		{"random", noise, false},
		{"random, an eighth of it twice", append(noise[:8000:8000], noise[:1000]...), false},
		{"random, all of it twice", append(noise[:8000:8000], noise[:8000]...), true},
		{"large and regular", bytes.Repeat([]byte("regular "), 10_000), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plain := mustAppend(t, inner, tt.state)
			data := mustAppend(t, c, tt.state)
			if got := data[0] == 5; got != tt.compressed {
				t.Fatalf("compressed: %v, want %v", got, tt.compressed)
			}
			if !tt.compressed && !bytes.Equal(data, plain) {
				t.Error("the bytes that were passed through differ from the inner codec's")
			}
			if tt.compressed && len(data) > len(plain)*7/8+4 {
				t.Errorf("%d bytes became %d", len(plain), len(data))
			}
			if got := mustDecode(t, c, data); !bytes.Equal(got, tt.state) {
				t.Error("the state has changed")
			}
			if got := mustDecode(t, c, plain); !bytes.Equal(got, tt.state) {
				t.Error("a record from before Compress is read differently")
			}
		})
	}
}

func TestCompressLimit(t *testing.T) {
	for _, tt := range []struct{ limit, want int }{{0, 1 << 20}, {1 << 20, 1 << 20}, {5000, 5000}, {100, 100}} {
		inner := codec.MsgPack[string]()
		c := codec.Compress(inner, tt.limit)
		fits := "a"
		for n := tt.want; len(mustAppend(t, inner, fits)) != tt.want; n-- {
			fits = strings.Repeat("a", n)
		}
		if got := mustDecode(t, c, mustAppend(t, c, fits)); got != fits {
			t.Errorf("limit %d: the state has changed", tt.limit)
		}
		longer := fits + "a"
		_, err := c.Append(nil, &longer)
		wantError(t, err, "limit is ", strconv.Itoa(tt.want), strconv.Itoa(tt.want+1))

		// A larger limit wrote it.
		var v string
		err = c.Decode(mustAppend(t, codec.Compress(inner, 1<<22), longer), &v)
		if tt.want < 256 {
			// Not compressed, so read like any record from before Compress.
			if err != nil || v != longer {
				t.Errorf("limit %d: error %v", tt.limit, err)
			}
			continue
		}
		wantError(t, err, "limit is ", strconv.Itoa(tt.want), strconv.Itoa(tt.want+1))
		if got := mustDecode(t, c, mustAppend(t, inner, longer)); got != longer {
			t.Errorf("limit %d: a longer state from before Compress is not read", tt.limit)
		}
	}
}

// deflate compresses plain, and claims writes a record of it that claims to hold
// size bytes.
func deflate(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func claims(size uint64, deflated []byte) []byte {
	return append(binary.AppendUvarint([]byte{5}, size), deflated...)
}

func TestDecompressionBombs(t *testing.T) {
	const limit = 10_000
	bomb := deflate(t, make([]byte, 10<<20))
	good := deflate(t, mustAppend(t, codec.MsgPack[string](), strings.Repeat("a", 2000)))
	whole := claims(2004, good)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"honest", claims(10<<20, bomb), "compressed state of 10485760 bytes, limit is 10000"},
		{"claims to fit", claims(limit, bomb), "longer than the 10000 bytes"},
		{"claims to be small", claims(10, bomb), "longer than the 10 bytes"},
		{"claims to be nothing", claims(0, bomb), "longer than the 0 bytes"},
		{"claims 2^64-1", claims(1<<64-1, bomb), "limit is 10000"},
		{"claims too much", claims(2005, good), "after 2004 of 2005 bytes"},
		{"claims too little", claims(2003, good), "longer than the 2003 bytes"},
		{"without a length", []byte{5}, "without a length"},
		{"with half a length", []byte{5, 0x80}, "without a length"},
		{"with a length of 11 bytes", append([]byte{5}, bytes.Repeat([]byte{0xff}, 11)...), "without a length"},
		{"with a length of a byte too many", append([]byte{5, 0xd4, 0x8f, 0x00}, good...), "not in its shortest form"},
		{"with a length of zero in two bytes", append([]byte{5, 0x80, 0x00}, deflate(t, nil)...), "not in its shortest form"},
		{"with a length only", []byte{5, 100}, "after 0 of 100 bytes"},
		{"without its last byte", whole[:len(whole)-1], "compressed state"},
		{"with a byte more", append(bytes.Clone(whole), 0), "1 bytes after the compressed state"},
		{"not DEFLATE", []byte{5, 100, 0xff, 0xff, 0xff}, "after 0 of 100 bytes"},
		{"empty inside", claims(0, deflate(t, nil)), "no data"},
	}
	c := codec.Compress(codec.MsgPack[string](), limit)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The first decompression of a process makes a reader of 40 kB.
			if got := mustDecode(t, c, whole); len(got) != 2000 {
				t.Fatal("the state has changed")
			}
			var v string
			var err error
			got := allocated(func() { err = c.Decode(tt.data, &v) })
			wantError(t, err, "codec: ", tt.want)
			if got > limit+60_000 {
				t.Errorf("allocated %d bytes, limit is %d", got, limit)
			}
		})
	}
}

func TestCompressPanicsOnMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"negative limit": func() { codec.Compress(codec.JSON[int](), -1) },
		"nil codec":      func() { codec.Compress[int](nil, 0) },
	} {
		wantPanic(t, name, f)
	}
}

func wantPanic(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", name)
		}
	}()
	f()
}
