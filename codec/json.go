package codec

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// JSON returns a codec that writes encoding/json: larger and slower than
// [MsgPack], but legible in the store and to programs in other languages. Maps
// are always written in order of their keys.
//
// What encoding/json does not keep is not kept: a string that is not UTF-8
// comes back with U+FFFD in it, a number in an interface as float64. Types of
// chan, func and complex kind, interfaces with methods, and structs without
// a single exported field are an error of every Append where T shows them.
func JSON[T any]() Codec[T] {
	_, err := jsonRules.check(reflect.TypeFor[T]())
	return jsonCodec[T]{err}
}

var jsonRules = rules{
	codec: "JSON",
	tag:   "json",
	methods: []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	},
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
		return nil, fmt.Errorf("codec: JSON: %w", err)
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
		return fmt.Errorf("codec: JSON: %s", withoutValue(err))
	}
	return nil
}

// withoutValue says what is wrong without the value that is: decode errors go to
// logs, and states do not.
func withoutValue(err error) string {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch):
		return fmt.Sprintf("field %q does not fit %v, at byte %d", mismatch.Field, mismatch.Type, mismatch.Offset)
	case errors.As(err, &syntax):
		return fmt.Sprintf("%v, at byte %d", syntax, syntax.Offset) // one character at most
	}
	return fmt.Sprintf("a value does not fit its type (%T)", err)
}
