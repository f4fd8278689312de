package codec

import (
	"encoding"
	"encoding/gob"
	"encoding/json"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"
)

// methodPair is a pair of interfaces by which types encode and decode themselves.
type methodPair struct {
	encoder, decoder reflect.Type
	// roundTrip encodes what v points to and decodes that into what zero points
	// to.
	roundTrip func(v, zero any) error
}

var (
	jsonPair = methodPair{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
		func(v, zero any) error {
			data, err := json.Marshal(v)
			if err != nil {
				return err
			}
			return json.Unmarshal(data, zero)
		},
	}
	textPair = methodPair{
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
		func(v, zero any) error {
			data, err := v.(encoding.TextMarshaler).MarshalText()
			if err != nil {
				return err
			}
			return zero.(encoding.TextUnmarshaler).UnmarshalText(data)
		},
	}
	binaryPair = methodPair{
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](),
		func(v, zero any) error {
			data, err := v.(encoding.BinaryMarshaler).MarshalBinary()
			if err != nil {
				return err
			}
			return zero.(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
		},
	}
	gobPair = methodPair{
		reflect.TypeFor[gob.GobEncoder](), reflect.TypeFor[gob.GobDecoder](),
		func(v, zero any) error {
			data, err := v.(gob.GobEncoder).GobEncode()
			if err != nil {
				return err
			}
			return zero.(gob.GobDecoder).GobDecode(data)
		},
	}
	customPair = methodPair{
		reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.CustomDecoder](), throughMsgPack,
	}
	marshalerPair = methodPair{
		reflect.TypeFor[msgpack.Marshaler](), reflect.TypeFor[msgpack.Unmarshaler](), throughMsgPack,
	}

	allMethods = []methodPair{customPair, marshalerPair, jsonPair, gobPair, binaryPair, textPair}
)

func throughMsgPack(v, zero any) error {
	data, err := msgpack.Marshal(v)
	if err != nil {
		return err
	}
	if err := inspectMsgPack(data); err != nil {
		return err
	}
	return msgpack.Unmarshal(data, zero)
}

// encodes reports whether a t has any method by which it encodes or decodes
// itself.
func (t traits) encodes(typ reflect.Type) bool {
	if kind := typ.Kind(); kind == reflect.Pointer || kind == reflect.Interface {
		return false
	}
	pointer := reflect.PointerTo(typ)
	for _, p := range t.methods {
		if pointer.Implements(p.encoder) || pointer.Implements(p.decoder) {
			return true
		}
	}
	return false
}

// fillItself fills v, which has methods of its own that may refuse what its kind
// can hold. It reports whether they carry what v holds then.
func (f *filler) fillItself(v reflect.Value) bool {
	for _, last := range []int{0, f.last} { // 1 is more often a value than 57
		raw := filler{traits: f.traits, last: last, within: f.within}
		raw.fillKind(v, "")
		if !v.IsZero() && f.carries(v) {
			f.last = max(f.last, raw.last)
			return true
		}
		v.SetZero()
	}
	for _, text := range []string{"1", "192.0.2.1", "2001-02-03T04:05:06Z", "0b8e6a52-7c3d-4f7e-9a51-2f8f0d9f6f10"} {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && quietly(func() error { return u.UnmarshalText([]byte(text)) }) &&
			!v.IsZero() && f.carries(v) {
			return true
		}
		v.SetZero()
	}
	return f.carries(v)
}

// carries reports whether v comes through all of its pairs of methods without an
// error.
func (f *filler) carries(v reflect.Value) bool {
	pointer := v.Addr().Type()
	for _, p := range f.traits.methods {
		if !pointer.Implements(p.encoder) || !pointer.Implements(p.decoder) {
			continue
		}
		if !quietly(func() error { return p.roundTrip(v.Addr().Interface(), reflect.New(v.Type()).Interface()) }) {
			return false
		}
	}
	return true
}

// quietly reports whether fn neither fails nor panics.
func quietly(fn func() error) (ok bool) {
	var err error
	func() {
		defer guard(&err)
		err = fn()
	}()
	return err == nil
}
