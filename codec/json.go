package codec

import (
	"encoding/json"
	"fmt"
	"sync"
)

// JSON returns a codec that writes encoding/json: larger and slower than
// [MsgPack], but legible in the store and to programs in other languages. Maps
// are always written in order of their keys.
//
// What encoding/json does not keep is not kept: a string that is not UTF-8
// comes back with U+FFFD in it, a number in an interface as float64.
//
// [Check] finds types of which a part would be lost, as is often so with fields
// of one name, interfaces with methods, types that have one half only of a pair
// of methods, and a T that embeds a type with methods for JSON or text: they
// become methods of T, and write the embedded part alone.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

type jsonCodec[T any] struct{}

func (jsonCodec[T]) Append(dst []byte, v *T) ([]byte, error) {
	out, err := appendJSON(dst, v)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (jsonCodec[T]) Decode(data []byte, v *T) error { return decodeJSON(data, v) }

// describe implements described.
func (jsonCodec[T]) describe() traits {
	return traits{name: "JSON", tag: "json", strict: true, closed: true, methods: []methodPair{jsonPair, textPair}}
}

// jsonEncoder is a pooled json.Encoder that writes to the caller's slice.
type jsonEncoder struct {
	enc *json.Encoder
	sliceWriter
}

var jsonEncoders = sync.Pool{New: func() any {
	e := new(jsonEncoder)
	e.enc = json.NewEncoder(e)
	e.enc.SetEscapeHTML(false) // three bytes saved per <, > and &; this is no web page
	return e
}}

func appendJSON(dst []byte, v any) (out []byte, err error) {
	defer guard(&err)
	e := jsonEncoders.Get().(*jsonEncoder)
	e.dst = append(dst, formatJSON)
	if err := e.enc.Encode(v); err != nil {
		return nil, fmt.Errorf("codec: JSON: %w", jsonEncodeError(err))
	}
	out = e.dst[:len(e.dst)-1] // without the newline
	e.dst = nil
	jsonEncoders.Put(e)
	return out, nil
}

func decodeJSON(data []byte, v any) (err error) {
	defer guard(&err)
	data, err = body(data, formatJSON)
	if err != nil {
		return err
	}
	// Unmarshal checks the whole of data first: more than one value is an
	// error, and so is nesting deeper than 10,000.
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("codec: JSON: %w", jsonDecodeError(err))
	}
	return nil
}
