package codec

import (
	"bytes"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"
)

// EncodePlanned encodes *v as MsgPack does, for types made by reflection.
func EncodePlanned(v any) (out []byte, err error) {
	defer guard(&err)
	p, err := planFor(reflect.TypeOf(v).Elem())
	if err != nil {
		return nil, err
	}
	return encode(nil, v, p, false)
}

// EncodeByLibrary encodes *v with the library alone.
func EncodeByLibrary(v any) (out []byte, err error) {
	defer guard(&err)
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.SetSortMapKeys(true)
	enc.UseCompactInts(true)
	err = enc.EncodeValue(reflect.ValueOf(v).Elem())
	return buf.Bytes(), err
}

// DecodePlanned decodes data into *v as MsgPack does, for types made by
// reflection.
func DecodePlanned(data []byte, v any) (err error) {
	defer guard(&err)
	p, err := planFor(reflect.TypeOf(v).Elem())
	if err != nil {
		return err
	}
	return decode(data, v, p, false)
}

// DecodeByLibrary decodes data into *v with the library alone, behind the
// inspection of all of data.
func DecodeByLibrary(data []byte, v any) (err error) {
	defer guard(&err)
	p := &plan{typ: reflect.TypeOf(v).Elem()}
	p.leave()
	return decode(data, v, p, false)
}
