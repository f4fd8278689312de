package codec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// JSON returns a codec that writes encoding/json: larger and slower than
// [MsgPack], but legible in the store and to programs in other languages. Maps
// are always written in order of their keys.
//
// What encoding/json does not keep is not kept: a string that is not UTF-8
// comes back with U+FFFD in it, a number in an interface as float64. Beware of
// a T that embeds a type with methods for JSON or text: they become methods of
// T, and write the embedded part only, as with an embedded time.Time.
//
// Where T shows one of these, every Append is an error:
//
//   - types of chan, func and complex kind, and interfaces with methods;
//   - a struct without a single exported field, or with two fields of one name,
//     where those of an embedded struct count as the outer one's;
//   - an embedded type that is not exported and no struct;
//   - one half only of a pair of methods, or in the elements of a map methods on
//     the pointer;
//   - map keys other than strings, integers and types with MarshalText and
//     UnmarshalText.
func JSON[T any]() Codec[T] {
	_, err := jsonRules.check(reflect.TypeFor[T]())
	return jsonCodec[T]{err}
}

var jsonRules = rules{
	codec:  "JSON",
	pairs:  []pair{pairOf[json.Marshaler, json.Unmarshaler](false), textPair()},
	tag:    jsonTag,
	inline: jsonInline,
	names:  jsonNames,
	key:    jsonKey,
}

type jsonCodec[T any] struct {
	err error // why T cannot be carried, or nil
}

func (c jsonCodec[T]) Append(dst []byte, v *T) ([]byte, error) {
	if c.err != nil {
		return dst, c.err
	}
	out, err := appendJSON(dst, v)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (c jsonCodec[T]) Decode(data []byte, v *T) error {
	if c.err != nil {
		return c.err
	}
	return decodeJSON(data, v)
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
