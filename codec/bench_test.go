package codec_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

// small is a session of about 200 bytes, without maps.
type small struct {
	UserID   string
	Name     string
	Roles    []string
	Cart     []item
	Theme    string
	LastSeen time.Time
	Counter  int
}

func smallSample() small {
	s := sample()
	return small{s.UserID, s.Name, s.Roles, s.Cart, s.Theme, s.LastSeen, s.Counter}
}

func BenchmarkAppend(b *testing.B) {
	v := smallSample()
	b.Run("library, reused encoder", func(b *testing.B) {
		var buf bytes.Buffer
		enc := msgpack.NewEncoder(&buf)
		b.ReportAllocs()
		for b.Loop() {
			buf.Reset()
			if err := enc.Encode(&v); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, bc := range benchCodecs() {
		b.Run(bc.name, func(b *testing.B) {
			dst := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				out, err := bc.codec.Append(dst, bc.state)
				if err != nil {
					b.Fatal(err)
				}
				dst = out[:0]
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := msgpack.Marshal(smallSample())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("library, Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v small
			if err := msgpack.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, bc := range benchCodecs() {
		b.Run(bc.name, func(b *testing.B) {
			data := mustAppend(b, bc.codec, *bc.state)
			b.ReportAllocs()
			for b.Loop() {
				var v small
				if err := bc.codec.Decode(data, &v); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data)), "bytes")
		})
	}
}

type benchCodec struct {
	name  string
	codec codec.Codec[small]
	state *small
}

func benchCodecs() []benchCodec {
	v, large := smallSample(), smallSample()
	for len(large.Cart) < 50 {
		large.Cart = append(large.Cart, large.Cart...)
	}
	same := func(v small) (small, error) { return v, nil }
	inner := codec.MsgPack[small]()
	return []benchCodec{
		{"MsgPack", inner, &v},
		{"MsgPack, 50 items", inner, &large},
		{"JSON", codec.JSON[small](), &v},
		{"Gob", codec.Gob[small](), &v},
		{"Compress", codec.Compress(inner, 0), &v},
		{"Compress, 50 items", codec.Compress(inner, 0), &large},
		{"Migrate", codec.Migrate(inner, same, inner), &v},
	}
}
