package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"
)

// writers are of the kinds that are whole by themselves.
var writers = map[reflect.Kind]func(*plan, *encoder, reflect.Value) error{
	reflect.Bool: writeBool, reflect.String: writeString,
	reflect.Int: writeInt, reflect.Int8: writeInt, reflect.Int16: writeInt,
	reflect.Int32: writeInt, reflect.Int64: writeInt,
	reflect.Uint: writeUint, reflect.Uint8: writeUint, reflect.Uint16: writeUint,
	reflect.Uint32: writeUint, reflect.Uint64: writeUint,
	reflect.Float32: writeFloat32, reflect.Float64: writeFloat64,
}

func writeBool(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = appendBool(e.dst, v.Bool())
	return nil
}

func writeString(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = appendString(e.dst, v.String())
	return nil
}

func writeInt(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = appendInt(e.dst, v.Int())
	return nil
}

func writeUint(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = appendUint(e.dst, v.Uint())
	return nil
}

func writeFloat32(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = binary.BigEndian.AppendUint32(append(e.dst, 0xca), math.Float32bits(float32(v.Float())))
	return nil
}

func writeFloat64(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = binary.BigEndian.AppendUint64(append(e.dst, 0xcb), math.Float64bits(v.Float()))
	return nil
}

func writeTime(_ *plan, e *encoder, v reflect.Value) error {
	e.dst = appendTime(e.dst, v.Interface().(time.Time))
	return nil
}

func writeBytes(_ *plan, e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	b := v.Bytes()
	e.dst = append(appendBytesLen(e.dst, len(b)), b...)
	return nil
}

func writeByteArray(_ *plan, e *encoder, v reflect.Value) error {
	n := v.Len()
	e.dst = appendBytesLen(e.dst, n)
	if v.CanAddr() {
		e.dst = append(e.dst, v.Bytes()...)
		return nil
	}
	for i := range n {
		e.dst = append(e.dst, byte(v.Index(i).Uint()))
	}
	return nil
}

func writeSlice(p *plan, e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	return writeArray(p, e, v)
}

func writeArray(p *plan, e *encoder, v reflect.Value) error {
	n := v.Len()
	e.dst = appendArrayLen(e.dst, n)
	if n == 0 {
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	for i := range n {
		if err := p.elem.write(p.elem, e, v.Index(i)); err != nil {
			return err
		}
	}
	e.depth--
	return nil
}

func writePointer(p *plan, e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	return e.follow(p.elem, v.Elem())
}

func writeInterface(_ *plan, e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	v = v.Elem()
	return e.follow(dynamicPlan(v.Type()), v)
}

func writeStruct(p *plan, e *encoder, v reflect.Value) error {
	n := len(p.fields)
	if p.omits && !p.array {
		n = 0
		for i := range p.fields {
			if f := &p.fields[i]; !f.omitted(f.of(v)) {
				n++
			}
		}
	}
	if p.array {
		e.dst = appendArrayLen(e.dst, n)
	} else {
		e.dst = appendMapLen(e.dst, n)
	}
	if n == 0 {
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	for i := range p.fields {
		f := &p.fields[i]
		field := f.of(v)
		if !p.array {
			if f.omitted(field) {
				continue
			}
			e.dst = append(e.dst, f.head...)
		}
		if err := f.plan.write(f.plan, e, field); err != nil {
			return err
		}
	}
	e.depth--
	return nil
}

// omitted reports whether the field, which is v, is left out.
func (f *planField) omitted(v reflect.Value) bool {
	if !f.omit {
		return false
	}
	kind := v.Kind()
	if f.zeroer {
		nilable := kind == reflect.Pointer || kind == reflect.Map || kind == reflect.Slice
		return nilable && v.IsNil() || v.Interface().(interface{ IsZero() bool }).IsZero()
	}
	switch kind {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		for i := range f.plan.fields {
			if inner := &f.plan.fields[i]; !inner.omitted(inner.of(v)) {
				return false
			}
		}
		return true
	case reflect.Float32, reflect.Float64:
		return v.Float() == 0 // of -0 too
	}
	return v.IsZero()
}

// writeByLibrary leaves v to the library, and inspects what it or a method of v
// has written, which decode might otherwise refuse.
func writeByLibrary(_ *plan, e *encoder, v reflect.Value) error {
	start := len(e.dst)
	if err := e.viaLibrary(start).EncodeValue(v); err != nil {
		return err
	}
	return e.inspect(start)
}

func (e *encoder) null() error {
	e.dst = append(e.dst, 0xc0)
	return nil
}

// enter begins an array or a map that is not empty.
func (e *encoder) enter() error {
	if e.depth == maxDepth {
		return errDepth
	}
	e.depth++
	return nil
}

// maxFollowed bounds how many pointers and interfaces lead to a value, as a
// pointer that leads to itself has no end.
const maxFollowed = 10 * maxDepth

// follow writes what a pointer or an interface holds.
func (e *encoder) follow(p *plan, v reflect.Value) error {
	if e.followed == maxFollowed {
		return errDepth
	}
	e.followed++
	err := p.write(p, e, v)
	e.followed--
	return err
}
