package codec

import (
	"encoding/binary"
)

// maxDepth is how deeply MessagePack arrays and maps may be nested. The library
// recurses without a limit, and a goroutine that outgrows its stack ends the
// process: that is no panic which could be recovered from.
const maxDepth = 1000

var errDepth = faultf("nested deeper than %d", maxDepth)

// inspectMsgPack returns an error unless data is exactly one MessagePack value
// that may be given to methods which read extension types by themselves.
//
// The library (v5.4.1) takes a length at its word and allocates for it before
// it reads on: five bytes that announce 2^32-1 elements cost it gigabytes. Once
// the value is known to be whole, every element that it announces is there, in
// at least one byte each. To know takes a twentieth of the time in which a state
// of 200 bytes is decoded.
func inspectMsgPack(data []byte) error {
	in := inspector{data: data, anyExt: true}
	return in.whole(maxDepth)
}

// inspector walks over one MessagePack value.
//
// Where the library expects a map and meets an extension type, it passes over
// the head only and takes the first byte of the payload for the head of a map.
// A timestamp there would lead it to lengths that the walk has not looked at. So
// with respell, a timestamp that begins like a map (one in twelve does, by its
// nanoseconds) is given in the 96-bit form, which cannot, in a copy of data.
type inspector struct {
	data    []byte
	anyExt  bool
	respell bool

	out    []byte // the copy with other timestamps, as far as it goes
	copied int    // how much of data is in out
}

// whole checks that data is one value, nested at most depth deep.
func (in *inspector) whole(depth int) error {
	end, err := in.values(0, 1, depth)
	if err == nil && end < len(in.data) {
		err = faultf("%d bytes after the value", len(in.data)-end)
	}
	return err
}

// values walks over n values that begin at data[i], nested at most depth deep,
// and returns where they end. A count that lies costs nothing: the walk ends
// where data does.
func (in *inspector) values(i int, n uint64, depth int) (int, error) {
	data := in.data
	for ; n > 0; n-- {
		if i == len(data) {
			return 0, in.truncated()
		}
		at := i
		if whole := wholes[data[at]]; whole > 0 {
			if i += int(whole); i > len(data) {
				return 0, in.truncated()
			}
			continue
		}
		var h head
		var err error
		if h, i, err = in.head(i); err != nil {
			return 0, err
		}
		if h.size > uint64(len(data)-i) {
			return 0, in.truncated()
		}
		if h.extension && !in.anyExt {
			if err := in.timestamp(at, i, i+int(h.size)); err != nil {
				return 0, err
			}
		}
		i += int(h.size)
		if h.nested > 0 {
			if depth == 0 {
				return 0, errDepth
			}
			if i, err = in.values(i, h.nested, depth-1); err != nil {
				return 0, err
			}
		}
	}
	return i, nil
}

// head is what the first bytes of a value say of it.
type head struct {
	size, nested uint64 // bytes and values that belong to the value
	extension    bool
}

// head reads the head of the value that begins at data[i] and returns where it
// ends.
func (in *inspector) head(i int) (h head, end int, err error) {
	at := i
	code := in.data[at]
	i++
	switch {
	case code < 0x90: // map
		return head{nested: 2 * uint64(code&0x0f)}, i, nil
	case code < 0xa0: // array
		return head{nested: uint64(code & 0x0f)}, i, nil
	}
	f := forms[code-0xc0]
	if f.kind == unused {
		return head{}, 0, faultf("invalid code %#x at byte %d", code, at)
	}
	if len(in.data)-i < int(f.length) {
		return head{}, 0, in.truncated()
	}
	var length uint64
	for range f.length {
		length = length<<8 | uint64(in.data[i])
		i++
	}
	switch f.kind {
	case array:
		h.nested = length
	case pairs:
		h.nested = 2 * length
	default:
		h.size, h.extension = uint64(f.fixed)+length, f.kind == extension
	}
	return h, i, nil
}

func (in *inspector) truncated() error {
	return faultf("the value does not end within its %d bytes", len(in.data))
}

// timestamp checks the extension value whose head is at data[head] and whose
// type and payload are data[i:end], and respells it where needed.
func (in *inspector) timestamp(head, i, end int) error {
	if kind := int8(in.data[i]); kind != -1 {
		return faultf("extension type %d is not supported", kind)
	}
	payload := in.data[i+1 : end]
	var sec uint64
	var nsec uint32
	switch in.data[head] {
	case 0xd6:
		sec = uint64(binary.BigEndian.Uint32(payload))
	case 0xd7:
		both := binary.BigEndian.Uint64(payload)
		nsec, sec = uint32(both>>34), both&(1<<34-1)
	case 0xc7:
		if len(payload) != 12 || binary.BigEndian.Uint32(payload) > 999_999_999 {
			return faultf("invalid timestamp at byte %d", head)
		}
	default:
		return faultf("invalid timestamp at byte %d", head)
	}
	if !in.respell || !beginsMap(payload[0]) {
		return nil
	}
	if in.out == nil {
		in.out = make([]byte, 0, len(in.data)+32) // 5 or 9 more for each time
	}
	in.out = append(in.out, in.data[in.copied:head]...)
	in.out = append(in.out, 0xc7, 12, 0xff)
	in.out = binary.BigEndian.AppendUint32(in.out, nsec)
	in.out = binary.BigEndian.AppendUint64(in.out, sec)
	in.copied = end
	return nil
}

// beginsMap reports whether the library takes code for the head of a map. The
// 96-bit timestamp begins with the upper byte of at most 999,999,999.
func beginsMap(code byte) bool {
	return 0x80 <= code && code <= 0x8f || code == 0xc0 || code == 0xde || code == 0xdf
}

// form is how a value is laid out whose code is 0xc0 or more: length bytes of
// length, if any, then so many elements, pairs or, fixed ones apart, bytes.
type form struct {
	kind   kind
	length uint8
	fixed  uint8
}

type kind uint8

const (
	plain kind = iota
	array
	pairs
	extension
	unused
)

// wholes holds, for each code that alone tells how long its value is, that
// length, and 0 for the others. Most values of a state are such.
var wholes = func() (table [256]uint8) {
	for code := range table {
		switch {
		case code < 0x80 || code >= 0xe0: // integer from -32 to 127
			table[code] = 1
		case 0xa0 <= code && code < 0xc0: // string
			table[code] = 1 + uint8(code&0x1f)
		case code >= 0xc0 && forms[code-0xc0].kind == plain && forms[code-0xc0].length == 0:
			table[code] = 1 + forms[code-0xc0].fixed
		}
	}
	return table
}()

// forms holds the codes 0xc0 to 0xdf, as the MessagePack specification's
// overview lists them.
var forms = [32]form{
	0x00: {},                                     // nil
	0x01: {kind: unused},                         // never used
	0x02: {},                                     // false
	0x03: {},                                     // true
	0x04: {length: 1},                            // bin 8
	0x05: {length: 2},                            // bin 16
	0x06: {length: 4},                            // bin 32
	0x07: {kind: extension, length: 1, fixed: 1}, // ext 8: a type byte, payload
	0x08: {kind: extension, length: 2, fixed: 1}, // ext 16
	0x09: {kind: extension, length: 4, fixed: 1}, // ext 32
	0x0a: {fixed: 4},                             // float 32
	0x0b: {fixed: 8},                             // float 64
	0x0c: {fixed: 1},                             // uint 8
	0x0d: {fixed: 2},                             // uint 16
	0x0e: {fixed: 4},                             // uint 32
	0x0f: {fixed: 8},                             // uint 64
	0x10: {fixed: 1},                             // int 8
	0x11: {fixed: 2},                             // int 16
	0x12: {fixed: 4},                             // int 32
	0x13: {fixed: 8},                             // int 64
	0x14: {kind: extension, fixed: 2},            // fixext 1: a type byte, payload
	0x15: {kind: extension, fixed: 3},            // fixext 2
	0x16: {kind: extension, fixed: 5},            // fixext 4
	0x17: {kind: extension, fixed: 9},            // fixext 8
	0x18: {kind: extension, fixed: 17},           // fixext 16
	0x19: {length: 1},                            // str 8
	0x1a: {length: 2},                            // str 16
	0x1b: {length: 4},                            // str 32
	0x1c: {kind: array, length: 2},               // array 16
	0x1d: {kind: array, length: 4},               // array 32
	0x1e: {kind: pairs, length: 2},               // map 16
	0x1f: {kind: pairs, length: 4},               // map 32
}
