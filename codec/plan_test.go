package codec_test

import (
	"bytes"
	"io"
	"log"
	"reflect"
	"testing"

	"github.com/typedsession/typedsession/codec"
)

// FuzzPlanWrites holds that MsgPack gives the bytes that the library gives, for
// values of generated types whose maps the library orders too.
func FuzzPlanWrites(f *testing.F) {
	log.SetOutput(io.Discard) // the library logs fields of one name
	for seed := range uint64(500) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := newGenerator(seed)
		g.ordered = true
		typ := g.typ(3)
		v := g.value(typ, 5).Addr().Interface()
		want, wantErr := codec.EncodeByLibrary(v)
		got, err := codec.EncodePlanned(v)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v: error %v, of the library %v", typ, err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("%v: %#v\n got %x\nwant %x", typ, v, got, want)
		}
	})
}

// FuzzPlanReads holds that MsgPack decodes what the library decodes, to an equal
// value, and refuses what it refuses: what was written of the same type or of
// another one, as it is or with some bytes changed.
func FuzzPlanReads(f *testing.F) {
	log.SetOutput(io.Discard)
	for seed := range uint64(1000) {
		f.Add(seed, []byte(nil))
	}
	for _, v := range readVectors(f) {
		f.Add(uint64(len(v.data)), v.data[1:])
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		g := newGenerator(seed)
		typ := g.typ(3)
		if len(data) == 0 {
			from := typ
			if g.IntN(4) == 0 {
				from = g.typ(3)
			}
			var err error
			if data, err = codec.EncodePlanned(g.value(from, 5).Addr().Interface()); err != nil {
				return
			}
		}
		for range g.IntN(3) {
			if len(data) > 0 {
				data[g.IntN(len(data))] = pick(g, []byte{0, 0x7f, 0x80, 0x81, 0x90, 0x91, 0xa0, 0xa1, 0xc0, 0xc3, 0xc4, 0xca, 0xcc, 0xd3, 0xd7, 0xd9, 0xdc, 0xff, byte(g.Uint32())})
			}
		}
		got, want := reflect.New(typ), reflect.New(typ)
		before := bytes.Clone(data)
		err := codec.DecodePlanned(data, got.Interface())
		if !bytes.Equal(data, before) {
			t.Fatalf("%v: data was changed", typ)
		}
		wantErr := codec.DecodeByLibrary(data, want.Interface())
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v: %x: error %v, of the library %v", typ, data, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got.Interface(), want.Interface()) && !sameBytes(got.Interface(), want.Interface()) {
			t.Errorf("%v: %x\n got %#v\nwant %#v", typ, data, got, want)
		}
	})
}

// sameBytes reports whether two values are equal but for a NaN.
func sameBytes(a, b any) bool {
	x, errA := codec.EncodePlanned(a)
	y, errB := codec.EncodePlanned(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}
