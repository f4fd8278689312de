package codec_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/codec"
)

type (
	Base   struct{ ID string }
	base   struct{ ID string }
	Other  struct{ ID string }
	number int
	marker struct{}

	outerLast struct {
		Base
		ID string
	}
	outerFirst struct {
		ID string
		base
	}
	twins struct {
		Base
		Other
	}
	inlined struct {
		ID   string
		Base `msgpack:",inline"`
	}
	deep struct {
		Next struct{ twins }
		Base
	}
	sameTag struct {
		A string `msgpack:"x"` // of json, go vet finds it
		B string `msgpack:"x,omitempty"`
	}
	tagOfField struct {
		A string `json:"B" msgpack:"B"`
		B string
	}
	aliasOfField struct {
		B string
		A string `msgpack:"A,alias:B"`
	}
	aliasAlone struct {
		B string
		A string `msgpack:"alias:B"`
	}
	nameOfInlined struct {
		A    string `msgpack:"Base"`
		Base `json:"b"`
	}
	inArray struct {
		_msgpack struct{} `msgpack:",as_array"`
		A        string   `json:"a" msgpack:"x"`
		B        string   `msgpack:"x"`
	}
	hiddenBehindMarker struct {
		marker //nolint:unused // by reflection only
		userID string
	}
	// Both have methods for JSON, so that neither's become those of the struct.
	ambiguous struct {
		time.Time
		big.Int
	}
)

// TestTypesOfWhichSomethingIsLost: each of these was written without an error,
// and a field of it was then missing, or all of it unreadable.
func TestTypesOfWhichSomethingIsLost(t *testing.T) {
	all := []string{"MsgPack", "JSON"}
	unsupported[outerLast](t, "outerLast: Base.ID is lost", "JSON")
	unsupported[outerLast](t, "outerLast: Base.ID is lost", "MsgPack")
	unsupported[outerFirst](t, "outerFirst: base.ID is lost", "JSON")
	unsupported[[]twins](t, "[0].Base.ID is lost", "JSON")
	unsupported[inlined](t, "", all...)
	unsupported[deep](t, "Next.twins.Base.ID is lost", "JSON")
	unsupported[sameTag](t, ": A is lost", "MsgPack")
	unsupported[map[string]tagOfField](t, "[value].A is lost", "MsgPack")
	unsupported[map[string]tagOfField](t, "[value].B is lost", "JSON")
	unsupported[aliasOfField](t, ": B is lost", "MsgPack")
	unsupported[aliasAlone](t, ": B is lost", "MsgPack")
	unsupported[nameOfInlined](t, "cannot be read back", "MsgPack")
	unsupported[Loop](t, "Loop: Loop is lost", "JSON")

	unsupported[struct{ number }](t, ": number is an embedded codec_test.number, which is not exported", all...)
	unsupported[[]struct{ *base }](t, "[0].base is an embedded *codec_test.base, which is not exported", all...)
	unsupported[struct{ any }](t, ": any is an embedded interface {}, which is not exported", all...)
	unsupported[hiddenBehindMarker](t, "no exported field", all...)
	unsupported[[]ambiguous](t, "[0].Time is lost", "JSON")
	_ = hiddenBehindMarker{}.userID
	_ = inArray{}._msgpack

	unsupported[map[string]big.Int](t, "cannot be written", "MsgPack")
	unsupported[map[string]big.Int](t, "cannot be read back", "JSON")
	unsupported[map[string]struct{ N [1]big.Int }](t, "cannot be written", "MsgPack")
	unsupported[map[string]struct{ N [1]big.Int }](t, "cannot be read back", "JSON")
	unsupported[map[onPointer]int](t, "codec_test.onPointer", all...)
	unsupported[[]onlyMarshals](t, "[0] cannot be read back", all...)
	unsupported[[]struct{ V *onlyUnmarshals }](t, "[0].V cannot be read back", all...)
	unsupported[[]digits](t, "[0][0] is lost", "MsgPack")
	unsupported[[]digits](t, "[0] cannot be read back", "JSON")
	unsupported[[]hiddenMethods](t, "[0].lenient.A cannot be read back", "MsgPack")
	unsupported[[]binaryAndText](t, "[0].A is lost", "MsgPack")
	unsupported[[]valueAndPointer](t, "[0] cannot be read back", "MsgPack")

	unsupported[[]map[bool]string](t, "[0] cannot be written", "JSON")
	unsupported[*map[float64]string](t, "map[float64]string", "JSON")
	unsupported[[]map[any]string](t, "[0] cannot be written", "JSON")
	unsupported[[]map[*big.Int]string](t, "[0] cannot be read back", "JSON")
	unsupported[[]map[level]string](t, "[0] cannot be read back", "JSON")
	unsupported[[]struct {
		F func() `json:"-,"` //nolint:staticcheck // it is what is tested
	}](t, "[0].F cannot be written", "JSON") // the field's name is "-"
}

type onPointer struct{ n int8 }

func (o *onPointer) MarshalText() ([]byte, error)    { return []byte{byte(o.n)}, nil }
func (o *onPointer) UnmarshalText(data []byte) error { o.n = int8(data[0]); return nil }

type onlyMarshals struct{ A int }

func (onlyMarshals) MarshalText() ([]byte, error) { return []byte("x"), nil }

type onlyUnmarshals int

func (*onlyUnmarshals) UnmarshalText([]byte) error { return nil }

type digits [2]byte

func (*digits) UnmarshalText([]byte) error { return nil }

type level int

func (level) MarshalText() ([]byte, error) { return []byte("high"), nil }

type binaryAndText struct{ A int }

func (binaryAndText) MarshalBinary() ([]byte, error) { return []byte{0}, nil }
func (binaryAndText) MarshalText() ([]byte, error)   { return []byte("a"), nil }
func (*binaryAndText) UnmarshalText([]byte) error    { return nil }

type valueAndPointer struct{ A int }

func (valueAndPointer) MarshalText() ([]byte, error)              { return []byte("a"), nil }
func (*valueAndPointer) UnmarshalText([]byte) error               { return nil }
func (v *valueAndPointer) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeInt(int64(v.A)) }
func (v *valueAndPointer) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	v.A, err = d.DecodeInt()
	return err
}

// lenient reads what reflection writes of it, and a number alone, as an older
// form.
type lenient struct{ A int }

func (l *lenient) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &l.A) == nil {
		return nil
	}
	return json.Unmarshal(data, (*struct{ A int })(l))
}

func (l *lenient) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if code, err := d.PeekCode(); err != nil || code == 0x81 {
		return d.Decode((*struct{ A int })(l))
	}
	l.A, err = d.DecodeInt()
	return err
}

// email is of a kind of which a method for text reads what reflection writes.
type email string

func (e *email) UnmarshalText(data []byte) error { *e = email(data); return nil }

// blob is of a kind of which a method for bytes reads what MsgPack writes.
type blob []byte

func (b *blob) UnmarshalBinary(data []byte) error { *b = slices.Clone(data); return nil }

// both embeds two types with a method of one name, which is not its own then.
type (
	Lenient  struct{ A int }
	Tolerant struct{ A int }
	both     struct {
		Lenient
		Tolerant
		A int
	}
	hiddenMethods struct {
		lenient
		Lenient
	}
)

func (l *Lenient) DecodeMsgpack(d *msgpack.Decoder) error  { return (*lenient)(l).DecodeMsgpack(d) }
func (l *Tolerant) DecodeMsgpack(d *msgpack.Decoder) error { return (*lenient)(l).DecodeMsgpack(d) }

// color has a method that no slice of it is written with by MsgPack.
type color uint8

func (color) MarshalText() ([]byte, error) { return []byte("red"), nil }

// TestTypesOfWhichNothingIsLost holds that the rules refuse no more than they
// must.
func TestTypesOfWhichNothingIsLost(t *testing.T) {
	type named struct {
		Base `json:"base" msgpack:",noinline"`
		ID   string
	}
	type Big struct{ N big.Int }
	type left struct {
		Base
		ID     string                 `json:"-" msgpack:"-"`
		number `json:"-" msgpack:"-"` //nolint:unused // by reflection only
	}
	type deeper struct {
		left
		marker //nolint:unused // by reflection only
		*Other `json:"other" msgpack:",noinline"`
		Name   string `json:",omitempty" msgpack:",omitempty"`
	}
	at := time.Unix(1_800_000_000, 0)
	kept(t, "an embedded struct", deeper{left: left{Base: Base{"a"}}, Other: &Other{"b"}, Name: "c"})
	kept(t, "the outer field first", outerFirst{"a", base{"b"}}, "JSON")
	kept(t, "two with one field", twins{Base{"a"}, Other{"b"}}, "JSON")
	kept(t, "an embedded struct with a name", named{Base{"a"}, "b"})
	kept(t, "fields without names", inArray{A: "a", B: "b"})
	kept(t, "an alias", struct {
		A string `msgpack:"A,alias:B"`
		B string
	}{"a", "b"})
	kept(t, "time.Time", map[string]time.Time{"a": at})
	kept(t, "pointers in a map", map[string]*big.Int{"a": big.NewInt(5)})
	kept(t, "a slice in a map", map[string][]big.Int{"a": {*big.NewInt(5)}})
	kept(t, "an embedded pointer in a map", map[string]struct{ *Big }{"a": {&Big{*big.NewInt(5)}}}, "MsgPack")
	kept(t, "methods on the pointer", []big.Int{*big.NewInt(5)})
	kept(t, "methods of both kinds", map[netip.Addr]netip.Prefix{netip.MustParseAddr("::1"): netip.MustParsePrefix("10.0.0.0/8")})
	kept(t, "a struct of the library", struct{ U url.URL }{url.URL{Scheme: "https", Host: "example.com"}}, "JSON")
	kept(t, "integers as keys", map[int]item{-3: {"a", 1}})
	kept(t, "bool as a key", map[bool]item{true: {"a", 1}}, "JSON")
	kept(t, "a method that reads", []lenient{{7}})
	kept(t, "a method that reads text", map[email]email{"a": "b"})
	kept(t, "bytes with a method", []color{1, 2}, "JSON")
	kept(t, "bytes with a method that reads", []blob{{1}, {2}})
	kept(t, "methods of embedded structs", both{Lenient{7}, Tolerant{7}, 8}, "JSON")
	kept(t, "empty embedded structs", []struct{ marker }{{}})
	kept(t, "a tree", tree{"a": {"b": nil}})
}

type tree map[string]tree

// kept checks that MsgPack and JSON, but for those named, carry v.
func kept[T any](t *testing.T, name string, v T, except ...string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		all := map[string]codec.Codec[T]{"MsgPack": codec.MsgPack[T](), "JSON": codec.JSON[T]()}
		for _, e := range except {
			delete(all, e)
		}
		opts := cmp.Options{
			cmp.Exporter(func(reflect.Type) bool { return true }),
			cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
			cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
			cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
			cmp.Comparer(time.Time.Equal), cmpopts.EquateEmpty(),
		}
		for name, c := range all {
			if err := codec.Check(c); err != nil {
				t.Error(err)
			}
			if err := codec.RoundTrip(c, v); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(v, mustDecode(t, c, mustAppend(t, c, v)), opts); diff != "" {
				t.Errorf("%s: decoded value differs (-want +got):\n%s", name, diff)
			}
		}
	})
}
