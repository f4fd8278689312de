package codec

import (
	"bytes"
	"reflect"
	"slices"
)

// mapWriters are of the maps that states mostly have. They are written without
// reflection, and so are types defined as one of them.
var mapWriters = map[[2]reflect.Type]func(*plan, *encoder, reflect.Value) error{
	mapKey[string](): writeStringMap[string](appendString),
	mapKey[bool]():   writeStringMap[bool](appendBool),
	mapKey[int]():    writeStringMap[int](func(dst []byte, n int) []byte { return appendInt(dst, int64(n)) }),
	mapKey[int64]():  writeStringMap[int64](appendInt),
}

func mapKey[V any]() [2]reflect.Type {
	return [2]reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[V]()}
}

// mapPair is where one pair of a map stands in what has been written.
type mapPair struct {
	start int
	key   int // what is compared begins
	value int // and ends
	end   int
}

func writeStringMap[V any](value func(dst []byte, v V) []byte) func(*plan, *encoder, reflect.Value) error {
	plain := reflect.TypeFor[map[string]V]()
	return func(_ *plan, e *encoder, v reflect.Value) error {
		if v.IsNil() {
			return e.null()
		}
		m := v.Convert(plain).Interface().(map[string]V)
		e.dst = appendMapLen(e.dst, len(m))
		if len(m) == 0 {
			return nil
		}
		if err := e.enter(); err != nil {
			return err
		}
		first := len(e.pairs)
		for key, v := range m {
			at := mapPair{start: len(e.dst)}
			e.dst = appendString(e.dst, key)
			at.value = len(e.dst)
			at.key = at.value - len(key)
			e.dst = value(e.dst, v)
			at.end = len(e.dst)
			e.pairs = append(e.pairs, at)
		}
		e.sortPairs(first)
		e.depth--
		return nil
	}
}

// writeMap writes the pairs as they come and then puts them in order: of keys
// that are strings by what they say, as the library does, of others by their
// encoding.
func writeMap(p *plan, e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	n := v.Len()
	e.dst = appendMapLen(e.dst, n)
	if n == 0 {
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	first := len(e.pairs)
	next := p.pairsOf(v)
	for {
		key, value, ok := next()
		if !ok {
			break
		}
		at := mapPair{start: len(e.dst)}
		if err := p.key.write(p.key, e, key); err != nil {
			return err
		}
		at.key, at.value = at.start, len(e.dst)
		if key.Kind() == reflect.String && !p.key.viaLibrary {
			at.key = at.value - key.Len()
		}
		if err := p.elem.write(p.elem, e, value); err != nil {
			return err
		}
		at.end = len(e.dst)
		e.pairs = append(e.pairs, at)
	}
	e.sortPairs(first)
	e.depth--
	return nil
}

// pairsOf returns a function that returns the next pair of v. The values are
// valid until the next call. What may be left to the library must have no
// address, so that it refuses methods of pointers; each such value is allocated.
func (p *plan) pairsOf(v reflect.Value) func() (key, value reflect.Value, ok bool) {
	iter := v.MapRange()
	if p.parts {
		return func() (key, value reflect.Value, ok bool) {
			if !iter.Next() {
				return key, value, false
			}
			return iter.Key(), iter.Value(), true
		}
	}
	key, value := reflect.New(p.typ.Key()).Elem(), reflect.New(p.typ.Elem()).Elem()
	return func() (reflect.Value, reflect.Value, bool) {
		if !iter.Next() {
			return key, value, false
		}
		key.SetIterKey(iter)
		value.SetIterValue(iter)
		return key, value, true
	}
}

// sortPairs puts the pairs from first on, which are what was written last, in
// the order of their keys.
func (e *encoder) sortPairs(first int) {
	pairs := e.pairs[first:]
	e.pairs = e.pairs[:first]
	byKey := func(a, b mapPair) int { return bytes.Compare(e.dst[a.key:a.value], e.dst[b.key:b.value]) }
	if slices.IsSortedFunc(pairs, byKey) {
		return
	}
	start, end := pairs[0].start, len(e.dst)
	slices.SortFunc(pairs, byKey)
	for _, p := range pairs {
		e.dst = append(e.dst, e.dst[p.start:p.end]...)
	}
	copy(e.dst[start:], e.dst[end:])
	e.dst = e.dst[:end]
}
