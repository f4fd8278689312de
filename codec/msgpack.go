package codec

import (
	"fmt"
	"reflect"
)

// MsgPack returns the codec that a Manager uses by default: MessagePack, by
// github.com/vmihailenco/msgpack/v5. A struct is a map of its field names, so
// that fields can be added, removed and reordered. Struct tags are that
// library's: `msgpack:"name"` names a field, `msgpack:"-"` leaves it out and
// `msgpack:"name,alias:old"` also reads what was written under an old name.
//
// Methods take the place of reflection where there are any: a pair
// EncodeMsgpack and DecodeMsgpack (msgpack.CustomEncoder and CustomDecoder) on
// any type within T, or a pair MarshalMsg and UnmarshalMsg on *T, as generated
// by github.com/tinylib/msgp. Such methods write exactly one MessagePack value.
// [Check] finds what such methods lose: if T embeds a type with methods, they
// become methods of T, and write the embedded part alone.
//
// A time.Time is read back in the local time zone, without its monotonic clock,
// so compare with Equal. What an interface holds is read back as nil, bool, a
// number of the smallest type that fits (int8, uint16, ...), string, []byte,
// time.Time, []any, map[string]any, or map[any]any where a key is no string.
// Keep no map whose keys are arrays or structs in an interface, nor such keys in
// a map[any]V: they can be written, but reading them is an error. One number in
// two types, as keys of a map[any]V, is read back as one key.
//
// If T holds one of these, every Append and Decode is an error:
//
//   - types of chan, func, complex and uintptr kind, and interfaces with methods
//     (but for error);
//   - an embedded pointer that is not tagged noinline;
//   - a field with the tag option intern.
//
// So are, in a state that holds them, MessagePack extension types other than
// the timestamp, and nesting deeper than 1000, as in a state that contains
// itself.
//
// The strings of a state that takes up to 4 KB share one allocation, which lasts
// as long as any of them is in use.
//
// A call of MsgPack takes 20 microseconds or more, because it compiles T. Make
// each codec once.
func MsgPack[T any]() Codec[T] {
	var c msgPack[T]
	t := reflect.TypeFor[T]()
	if _, c.generated = any((*T)(nil)).(generated); !c.generated {
		if c.plan, c.err = planFor(t); c.err != nil {
			c.err = fmt.Errorf("codec: MsgPack cannot carry %s: %w", t, c.err)
		} else if !c.plan.agrees(c.describe()) {
			c.plan.leave()
		}
		c.direct = t.Kind() == reflect.Struct
	}
	return c
}

type msgPack[T any] struct{ msgPacker }

func (c msgPack[T]) Append(dst []byte, v *T) ([]byte, error) {
	out, err := c.append(dst, v)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func (c msgPack[T]) Decode(data []byte, v *T) error { return c.decode(data, v) }

// generated is what github.com/tinylib/msgp generates, found by its method set
// so that this package need not import it.
type generated interface {
	MarshalMsg(dst []byte) ([]byte, error)
	UnmarshalMsg(data []byte) (rest []byte, err error)
}

// describe implements described.
func (c msgPack[T]) describe() traits {
	t := traits{
		name: "MsgPack", tag: "msgpack", strict: true, closed: true, errors: true,
		methods: []methodPair{customPair, marshalerPair, binaryPair, textPair},
	}
	if c.generated { // its methods may do as they like with what is within
		t.strict, t.closed = false, false
	}
	return t
}

// msgPacker is the codec of a type T, whose pointers are handed to it as any.
type msgPacker struct {
	generated bool  // *T has the methods of generated
	plan      *plan // of T, without those
	direct    bool  // T is never nil: methods that it has are called without the library
	err       error // why T cannot be carried, or nil
}

func (m *msgPacker) append(dst []byte, v any) (out []byte, err error) {
	defer guard(&err)
	if m.err != nil {
		return nil, m.err
	}
	out = append(dst, formatMsgPack)
	if m.generated {
		start := len(out)
		if out, err = v.(generated).MarshalMsg(out); err == nil {
			err = inspectMsgPack(out[start:])
		}
	} else {
		out, err = encode(out, v, m.plan, m.direct)
	}
	if err != nil {
		return nil, fmt.Errorf("codec: MsgPack: %w", msgPackError(err))
	}
	return out, nil
}

func (m *msgPacker) decode(data []byte, v any) (err error) {
	defer guard(&err)
	if m.err != nil {
		return m.err
	}
	data, err = body(data, formatMsgPack)
	if err != nil {
		return err
	}
	if m.generated {
		err = m.decodeGenerated(data, v.(generated))
	} else {
		err = decode(data, v, m.plan, m.direct)
	}
	if err != nil {
		return fmt.Errorf("codec: MsgPack: %w", msgPackError(err))
	}
	return nil
}

func (m *msgPacker) decodeGenerated(data []byte, v generated) error {
	if err := inspectMsgPack(data); err != nil {
		return err
	}
	rest, err := v.UnmarshalMsg(data)
	if err == nil && len(rest) > 0 {
		err = faultf("%d bytes left unread", len(rest))
	}
	return err
}
