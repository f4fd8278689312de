package codec

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// Gob returns a codec that writes encoding/gob, for states that only gob can
// carry, such as registered implementations of an interface. It is the slowest
// and largest by far, since each state carries the description of its types.
// What an interface holds must be registered with gob.Register. The fields of an
// embedded struct whose type is not exported are lost, which [Check] finds. A nil
// T comes back as an empty one, and a pointer in a field to a zero value, as a *bool to
// false, as nil.
//
// Equal states often have unequal bytes: maps are written in no order, and the
// numbers of types depend on what else the program has used gob for. So gob
// costs needless writes.
//
// Do not use it if anything but the program can write to the store. The
// documentation of encoding/gob says that it is not hardened against adversarial
// inputs: a few bytes can make it allocate all memory, and nothing put in front
// of it here prevents that. A state that contains itself ends the program.
func Gob[T any]() Codec[T] { return gobCodec[T]{} }

type gobCodec[T any] struct{}

func (gobCodec[T]) Append(dst []byte, v *T) ([]byte, error) {
	out, err := appendGob(dst, v)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (gobCodec[T]) Decode(data []byte, v *T) error { return decodeGob(data, v) }

// describe implements described.
func (gobCodec[T]) describe() traits {
	return traits{name: "Gob", strict: true, methods: []methodPair{gobPair, binaryPair}}
}

func appendGob(dst []byte, v any) (out []byte, err error) {
	defer guard(&err)
	w := sliceWriter{append(dst, formatGob)}
	if err := gob.NewEncoder(&w).Encode(v); err != nil {
		return nil, fmt.Errorf("codec: Gob: %w", gobError(err))
	}
	return w.dst, nil
}

func decodeGob(data []byte, v any) (err error) {
	defer guard(&err)
	data, err = body(data, formatGob)
	if err != nil {
		return err
	}
	// The reader is an io.ByteReader, so that the decoder reads no further
	// than it must and what is left can be told.
	r := bytes.NewReader(data)
	if err := gob.NewDecoder(r).Decode(v); err != nil {
		return fmt.Errorf("codec: Gob: %w", gobError(err))
	}
	if r.Len() > 0 {
		return fmt.Errorf("codec: Gob: %d bytes after the value", r.Len())
	}
	return nil
}
