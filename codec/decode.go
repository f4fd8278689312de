package codec

import (
	"bytes"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// decoder reads one value. It is pooled, and so is the msgpack.Decoder for what
// is left to the library.
//
// It walks over data once, and checks on the way what inspectMsgPack would: no
// length is taken at its word, and the nesting is bounded.
type decoder struct {
	data  []byte
	i     int // where the next value begins
	depth int // in how many arrays and maps it is

	text     string // data[textFrom:], of which the strings of the state are parts
	textFrom int

	dec *msgpack.Decoder
	src bytes.Reader
}

var decoders = sync.Pool{New: func() any { return &decoder{dec: msgpack.NewDecoder(nil)} }}

// decode decodes data, all of it, into *v. A decoder that met an error or a panic
// is not used again: the library would go on recording what it reads.
func decode(data []byte, v any, p *plan, direct bool) error {
	d := decoders.Get().(*decoder)
	d.data, d.i = data, 0
	var err error
	if c, ok := v.(msgpack.CustomDecoder); ok && direct && len(data) > 0 && data[0] != 0xc0 {
		// Directly, which saves 90 of 650 ns. The library calls the method
		// for all but nil.
		err = d.byLibrary(func(dec *msgpack.Decoder) error { return c.DecodeMsgpack(dec) })
	} else {
		err = p.read(p, d, reflect.ValueOf(v).Elem())
	}
	if err != nil {
		return err
	}
	if left := len(data) - d.i; left > 0 {
		return faultf("%d bytes after the value", left)
	}
	d.data, d.text = nil, ""
	if len(data) <= maxPooled {
		decoders.Put(d)
	}
	return nil
}

// byLibrary has the library, or a method that is given its decoder, decode the
// next value, all of it.
func (d *decoder) byLibrary(fn func(*msgpack.Decoder) error) error {
	in := inspector{data: d.data[d.i:], respell: true}
	end, err := in.values(0, 1, maxDepth-d.depth)
	if err != nil {
		return err
	}
	value := in.data[:end]
	if in.copied > 0 {
		value = append(in.out, value[in.copied:]...)
	}
	d.src.Reset(value)
	d.dec.Reset(&d.src)
	d.dec.SetMapDecoder(decodeMap) // which Reset has cleared
	if err := fn(d.dec); err != nil {
		return err
	}
	if left := d.src.Len(); left > 0 {
		return faultf("%d bytes left unread", left)
	}
	d.src.Reset(nil)
	d.i += end
	return nil
}

func readByLibrary(_ *plan, d *decoder, v reflect.Value) error {
	return d.byLibrary(func(dec *msgpack.Decoder) error { return dec.DecodeValue(v) })
}

func (d *decoder) truncated() error {
	return faultf("the value does not end within its %d bytes", len(d.data))
}

// unexpected returns the error for a code, read last, that is none of what it
// should be.
func (d *decoder) unexpected(what string) error {
	d.i--
	if err := d.skip(); err != nil { // the value is worse than unexpected
		return err
	}
	return fault("msgpack: unexpected code decoding " + what)
}

func (d *decoder) code() (byte, error) {
	if d.i == len(d.data) {
		return 0, d.truncated()
	}
	c := d.data[d.i]
	d.i++
	return c, nil
}

// take returns the next n bytes, which are a part of data.
func (d *decoder) take(n int) ([]byte, error) {
	if n > len(d.data)-d.i {
		return nil, d.truncated()
	}
	b := d.data[d.i : d.i+n]
	d.i += n
	return b, nil
}

// number reads an unsigned number of n bytes.
func (d *decoder) number(n int) (uint64, error) {
	b, err := d.take(n)
	if err != nil {
		return 0, err
	}
	var x uint64
	for _, c := range b {
		x = x<<8 | uint64(c)
	}
	return x, nil
}

// integer reads an integer of any form, or nil, as the bits of 64.
func (d *decoder) integer(what string) (uint64, error) {
	c, err := d.code()
	switch {
	case err != nil:
		return 0, err
	case c < 0x80 || c >= 0xe0:
		return uint64(int8(c)), nil
	case c == 0xc0:
		return 0, nil
	case 0xcc <= c && c <= 0xcf:
		return d.number(1 << (c - 0xcc))
	case 0xd0 <= c && c <= 0xd3:
		size := 1 << (c - 0xd0)
		n, err := d.number(size)
		shift := 64 - 8*size
		return uint64(int64(n) << shift >> shift), err
	}
	return 0, d.unexpected(what)
}

// bytesLen reads the length of a string or of bytes, or -1 of nil.
func (d *decoder) bytesLen() (int, error) {
	c, err := d.code()
	var n uint64
	switch {
	case err != nil:
		return 0, err
	case 0xa0 <= c && c < 0xc0:
		n = uint64(c & 0x1f)
	case c == 0xc0:
		return -1, nil
	case 0xc4 <= c && c <= 0xc6:
		n, err = d.number(1 << (c - 0xc4))
	case 0xd9 <= c && c <= 0xdb:
		n, err = d.number(1 << (c - 0xd9))
	default:
		return 0, d.unexpected("string/bytes length")
	}
	if err == nil && n > uint64(len(d.data)-d.i) {
		err = d.truncated()
	}
	return int(n), err
}

// listLen reads the number of elements, or -1 of nil. The form of a number of
// less than 16 begins at short, and that of longer ones is long or the next code.
// Each element takes width bytes at least.
func (d *decoder) listLen(short, long byte, width int, what string) (int, error) {
	c, err := d.code()
	var n uint64
	switch {
	case err != nil:
		return 0, err
	case c&0xf0 == short:
		n = uint64(c & 0x0f)
	case c == 0xc0:
		return -1, nil
	case c == long:
		n, err = d.number(2)
	case c == long+1:
		n, err = d.number(4)
	default:
		return 0, d.unexpected(what)
	}
	if err == nil && n > uint64((len(d.data)-d.i)/width) {
		err = d.truncated()
	}
	return int(n), err
}

func (d *decoder) arrayLen() (int, error) { return d.listLen(0x90, 0xdc, 1, "array length") }
func (d *decoder) mapLen() (int, error)   { return d.listLen(0x80, 0xde, 2, "map length") }

// enter begins an array or a map that is not empty.
func (d *decoder) enter() error {
	if d.depth == maxDepth {
		return errDepth
	}
	d.depth++
	return nil
}

// skip passes over the next value.
func (d *decoder) skip() error {
	in := inspector{data: d.data}
	end, err := in.values(d.i, 1, maxDepth-d.depth)
	d.i = end
	return err
}

// maxText is the length of the longest record whose strings share one
// allocation, which lasts as long as any of them.
const maxText = 4 << 10

func (d *decoder) string() (string, error) {
	n, err := d.bytesLen()
	if err != nil || n <= 0 {
		return "", err
	}
	from := d.i
	d.i += n
	if len(d.data) > maxText {
		return string(d.data[from:d.i]), nil
	}
	if d.text == "" {
		d.text, d.textFrom = string(d.data[from:]), from
	}
	return d.text[from-d.textFrom : d.i-d.textFrom], nil
}
