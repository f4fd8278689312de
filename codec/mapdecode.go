package codec

import (
	"io"

	"github.com/vmihailenco/msgpack/v5"
)

// decodeMap decodes a map for an interface. The library's own way is an error at
// a key that is no string, although it has written it: the session would be
// gone at the next request.
func decodeMap(d *msgpack.Decoder) (any, error) {
	n, err := d.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	m := make(map[string]any, n)
	for i := range n {
		key, err := d.DecodeString()
		if err != nil {
			return decodeAnyKeys(d, m, n-i)
		}
		if m[key], err = d.DecodeInterface(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// decodeAnyKeys goes on where decodeMap met a key that is no string, with the
// pairs in front and n more. Of that key, one byte has been read: data does not
// end too early, see inspectMsgPack. To look at that byte first would take 5 ns
// for each key of any map.
func decodeAnyKeys(d *msgpack.Decoder, front map[string]any, n int) (any, error) {
	if err := d.Buffered().(io.ByteScanner).UnreadByte(); err != nil {
		return nil, err
	}
	m := make(map[any]any, len(front)+n)
	for key, value := range front {
		m[key] = value
	}
	for range n {
		key, err := decodeKey(d)
		if err != nil {
			return nil, err
		}
		if m[key], err = d.DecodeInterface(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

var errKey = faultf("an array or a map is the key of a map in an interface")

// decodeKey decodes a key of any type. As in decodeMap, nil and bytes, as which
// methods for text are written, are strings.
func decodeKey(d *msgpack.Decoder) (any, error) {
	code, err := d.PeekCode()
	if err != nil {
		return nil, err
	}
	if code == 0xc0 || 0xc4 <= code && code <= 0xc6 {
		return d.DecodeString()
	}
	key, err := d.DecodeInterface()
	switch key.(type) {
	case []any, map[string]any, map[any]any: // cannot be hashed
		return nil, errKey
	}
	return key, err
}
