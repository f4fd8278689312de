package codec

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
)

// pair is a pair of interfaces by which types encode and decode themselves.
type pair struct {
	encoder, decoder reflect.Type
	bytes            bool // the methods hand over bytes, which the serialiser writes
}

func pairOf[E, D any](bytes bool) pair {
	return pair{reflect.TypeFor[E](), reflect.TypeFor[D](), bytes}
}

func textPair() pair { return pairOf[encoding.TextMarshaler, encoding.TextUnmarshaler](true) }

func (p pair) encode() string { return p.encoder.Method(0).Name }
func (p pair) decode() string { return p.decoder.Method(0).Name }

// encodesItself reports whether methods take the place of reflection when a t is
// encoded. It is an error if what they write could not be read back.
func (f *finder) encodesItself(t reflect.Type, address bool) (bool, error) {
	enc, onPointer := f.encoding(t)
	dec := f.decoding(t)
	switch {
	case enc < 0 && dec < 0:
		return false, nil
	case enc < 0:
		if p := f.pairs[dec]; p.bytes && !readsOwnKind(t, p) {
			return false, fmt.Errorf("%s has %s but no %s: add it", t, p.decode(), p.encode())
		}
		return false, nil // most likely it reads what reflection writes
	case dec < 0:
		return true, fmt.Errorf("%s has %s but no %s, so that it could not be read back: add it",
			t, f.pairs[enc].encode(), f.pairs[enc].decode())
	case onPointer && !address:
		return true, fmt.Errorf("%s has %s on its pointer, which map elements do not have: use a map of *%s",
			t, f.pairs[enc].encode(), t)
	}
	e, d := f.pairs[enc], f.pairs[dec]
	passedOver := enc > dec && reflect.PointerTo(t).Implements(d.encoder)
	if enc != dec && (e.bytes && d.bytes || passedOver) {
		return true, fmt.Errorf("%s would be written by %s and read by %s: add what is missing of the pair, on the value",
			t, e.encode(), d.decode())
	}
	return true, nil
}

// encoding returns which of the pairs a t is written by, or -1, and whether the
// method is one of its pointer.
func (r *rules) encoding(t reflect.Type) (i int, onPointer bool) {
	implementedBy := func(t reflect.Type) int {
		return slices.IndexFunc(r.pairs, func(p pair) bool { return t.Implements(p.encoder) })
	}
	value, either := implementedBy(t), implementedBy(reflect.PointerTo(t))
	if value >= 0 && (r.valueFirst || value == either) {
		return value, false
	}
	return either, true
}

// decoding returns which of the pairs a t is read by, or -1.
func (r *rules) decoding(t reflect.Type) int {
	return slices.IndexFunc(r.pairs, func(p pair) bool { return reflect.PointerTo(t).Implements(p.decoder) })
}

// hasMethods reports whether a t or its pointer has a method of any of the pairs.
func hasMethods(t reflect.Type, pairs []pair) bool {
	p := reflect.PointerTo(t)
	return slices.ContainsFunc(pairs, func(m pair) bool { return p.Implements(m.encoder) || p.Implements(m.decoder) })
}

// readsOwnKind reports whether the decoding method of p can read what reflection
// writes of a t.
func readsOwnKind(t reflect.Type, p pair) bool {
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Slice, reflect.Array:
		return t.Elem().Kind() == reflect.Uint8 && p.decoder == reflect.TypeFor[encoding.BinaryUnmarshaler]()
	}
	return false
}

// jsonKey says what is wrong with the type of a map's keys. Of their methods,
// encoding/json calls those for text only.
func jsonKey(t reflect.Type) error {
	text := textPair()
	enc, dec := t.Implements(text.encoder), reflect.PointerTo(t).Implements(text.decoder)
	switch kind := t.Kind(); {
	case kind == reflect.String, enc && dec:
		return nil
	case !enc && !dec && reflect.Int <= kind && kind <= reflect.Uintptr:
		return nil
	}
	return fmt.Errorf("map keys of type %s are not supported: use a string, an integer, or a type with %s and %s",
		t, text.encode(), text.decode())
}
