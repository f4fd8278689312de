package codec

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"
)

// What follows reads what the library reads, with the same results: any form of
// an integer for any number, a string for bytes and the reverse, nil for the zero
// value of most types. A value that is not zero, because its field was in the
// record before, is left to the library if it would add to it.

// readers are of the kinds that are whole by themselves.
var readers = map[reflect.Kind]func(*plan, *decoder, reflect.Value) error{
	reflect.Bool: readBool, reflect.String: readString,
	reflect.Int: readInt, reflect.Int8: readInt, reflect.Int16: readInt,
	reflect.Int32: readInt, reflect.Int64: readInt,
	reflect.Uint: readUint, reflect.Uint8: readUint, reflect.Uint16: readUint,
	reflect.Uint32: readUint, reflect.Uint64: readUint,
	reflect.Float32: readFloat32, reflect.Float64: readFloat64,
}

func (d *decoder) bool() (bool, error) {
	c, err := d.code()
	if err == nil && c != 0xc0 && c != 0xc2 && c != 0xc3 {
		err = d.unexpected("bool")
	}
	return c == 0xc3, err
}

func readBool(_ *plan, d *decoder, v reflect.Value) error {
	b, err := d.bool()
	if err == nil {
		v.SetBool(b)
	}
	return err
}

func readString(_ *plan, d *decoder, v reflect.Value) error {
	s, err := d.string()
	if err == nil {
		v.SetString(s)
	}
	return err
}

func readInt(_ *plan, d *decoder, v reflect.Value) error {
	n, err := d.integer("int64")
	if err == nil {
		v.SetInt(int64(n))
	}
	return err
}

func readUint(_ *plan, d *decoder, v reflect.Value) error {
	n, err := d.integer("uint64")
	if err == nil {
		v.SetUint(n)
	}
	return err
}

func readFloat32(_ *plan, d *decoder, v reflect.Value) error {
	if d.i < len(d.data) && d.data[d.i] == 0xca {
		d.i++
		n, err := d.number(4)
		v.SetFloat(float64(math.Float32frombits(uint32(n))))
		return err
	}
	n, err := d.integer("float32")
	v.SetFloat(float64(float32(int64(n))))
	return err
}

func readFloat64(p *plan, d *decoder, v reflect.Value) error {
	if d.i < len(d.data) && d.data[d.i] == 0xcb {
		d.i++
		n, err := d.number(8)
		v.SetFloat(math.Float64frombits(n))
		return err
	}
	if d.i < len(d.data) && d.data[d.i] == 0xca {
		return readFloat32(p, d, v)
	}
	n, err := d.integer("float64")
	v.SetFloat(float64(int64(n)))
	return err
}

// readTime reads the three forms of a timestamp, and leaves older ones to the
// library.
func readTime(p *plan, d *decoder, v reflect.Value) error {
	rest := d.data[d.i:]
	var t time.Time
	switch {
	case len(rest) >= 6 && rest[0] == 0xd6 && rest[1] == 0xff:
		t = time.Unix(int64(binary.BigEndian.Uint32(rest[2:])), 0)
		d.i += 6
	case len(rest) >= 10 && rest[0] == 0xd7 && rest[1] == 0xff:
		both := binary.BigEndian.Uint64(rest[2:])
		t = time.Unix(int64(both&(1<<34-1)), int64(both>>34))
		d.i += 10
	case len(rest) >= 15 && rest[0] == 0xc7 && rest[1] == 12 && rest[2] == 0xff && binary.BigEndian.Uint32(rest[3:]) <= 999_999_999:
		t = time.Unix(int64(binary.BigEndian.Uint64(rest[7:])), int64(binary.BigEndian.Uint32(rest[3:])))
		d.i += 15
	default:
		return readByLibrary(p, d, v)
	}
	if t.IsZero() {
		t = t.UTC()
	}
	*v.Addr().Interface().(*time.Time) = t
	return nil
}

func readBytes(_ *plan, d *decoder, v reflect.Value) error {
	n, err := d.bytesLen()
	if err != nil {
		return err
	}
	if n < 0 {
		v.SetBytes(nil)
		return nil
	}
	b := make([]byte, n)
	d.i += copy(b, d.data[d.i:])
	v.SetBytes(b)
	return nil
}

func readByteArray(_ *plan, d *decoder, v reflect.Value) error {
	n, err := d.bytesLen()
	switch {
	case err != nil || n < 0:
		return err
	case n > v.Len():
		return errTooMany
	}
	d.i += copy(v.Bytes(), d.data[d.i:d.i+n])
	return nil
}

const errTooMany = fault("msgpack: more elements than an array has")

func readPointer(p *plan, d *decoder, v reflect.Value) error {
	if d.i < len(d.data) && d.data[d.i] == 0xc0 {
		d.i++
		v.SetZero()
		return nil
	}
	if v.IsNil() {
		v.Set(reflect.New(p.elem.typ))
	}
	return p.elem.read(p.elem, d, v.Elem())
}

// readInterface reads strings and what takes one byte. More is the library's.
func readInterface(p *plan, d *decoder, v reflect.Value) error {
	if d.i == len(d.data) || !v.IsNil() {
		return readByLibrary(p, d, v)
	}
	switch c := d.data[d.i]; {
	case c == 0xc0:
		d.i++
		return nil
	case c == 0xc2 || c == 0xc3:
		d.i++
		v.Set(reflect.ValueOf(c == 0xc3))
		return nil
	case c < 0x80 || c >= 0xe0:
		d.i++
		v.Set(reflect.ValueOf(int8(c)))
		return nil
	case 0xa0 <= c && c < 0xc0 || 0xd9 <= c && c <= 0xdb:
		s, err := d.string()
		v.Set(reflect.ValueOf(s))
		return err
	}
	return readByLibrary(p, d, v)
}

// readElements reads the n elements of an array or a slice.
func (p *plan) readElements(d *decoder, v reflect.Value, n int) error {
	if n == 0 {
		return nil
	}
	if err := d.enter(); err != nil {
		return err
	}
	for i := range n {
		if err := p.elem.read(p.elem, d, v.Index(i)); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

func readArray(p *plan, d *decoder, v reflect.Value) error {
	n, err := d.arrayLen()
	switch {
	case err != nil || n < 0:
		return err
	case n > v.Len():
		return errTooMany
	}
	return p.readElements(d, v, n)
}

func readSlice(p *plan, d *decoder, v reflect.Value) error {
	if !v.IsNil() {
		return readByLibrary(p, d, v)
	}
	n, err := d.arrayLen()
	if err != nil || n < 0 {
		return err
	}
	v.Set(reflect.MakeSlice(p.typ, n, n))
	return p.readElements(d, v, n)
}

func readStrings(p *plan, d *decoder, v reflect.Value) error {
	n, err := d.arrayLen()
	if err != nil || n < 0 { // the library leaves v as it is
		return err
	}
	if n > 0 && d.depth == maxDepth {
		return errDepth
	}
	list := make([]string, n)
	for i := range list {
		if list[i], err = d.string(); err != nil {
			return err
		}
	}
	if to, ok := v.Addr().Interface().(*[]string); ok {
		*to = list
	} else {
		v.Set(reflect.ValueOf(list).Convert(p.typ))
	}
	return nil
}
