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
