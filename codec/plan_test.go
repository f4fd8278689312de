package codec_test

import (
	"bytes"
	"io"
	"log"
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
