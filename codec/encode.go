package codec

import (
	"bytes"
	"errors"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// encoder writes one value to the caller's slice. It is pooled, and so is the
// msgpack.Encoder for what is left to the library.
type encoder struct {
	dst      []byte
	depth    int       // in how many arrays and maps the next value is
	followed int       // pointers and interfaces that lead to it
	pairs    []mapPair // of the maps that are being written

	enc   *msgpack.Encoder
	start int // where the value that is left to the library begins
	check int // the length at which dst is to be looked at
}

var encoders = sync.Pool{New: func() any { return &encoder{enc: msgpack.NewEncoder(nil)} }}

// encode appends the encoding of *v to dst. An encoder that met an error or a
// panic is not used again.
func encode(dst []byte, v any, p *plan, direct bool) ([]byte, error) {
	e := encoders.Get().(*encoder)
	e.dst = dst
	var err error
	if c, ok := v.(msgpack.CustomEncoder); ok && direct {
		if err = c.EncodeMsgpack(e.viaLibrary(len(dst))); err == nil {
			err = e.inspect(len(dst))
		}
	} else {
		err = p.write(p, e, reflect.ValueOf(v).Elem())
	}
	if err != nil {
		return nil, err
	}
	out := e.dst
	e.dst = nil
	if len(out)-len(dst) <= maxPooled {
		encoders.Put(e) // it has buffers of its own
	}
	return out, nil
}

// viaLibrary returns the library's encoder for a value that begins at dst[start].
func (e *encoder) viaLibrary(start int) *msgpack.Encoder {
	e.start, e.check = start, start+firstCheck
	// Every time, because an EncodeMsgpack of the application could have
	// changed the settings.
	e.enc.Reset(e)
	e.enc.SetSortMapKeys(true)
	e.enc.UseCompactInts(true)
	return e.enc
}

// inspect returns an error if decode would refuse the value that begins at
// dst[start]. It must not be stored: the session would be gone at the next
// request, when it is too late for an error.
func (e *encoder) inspect(start int) error {
	in := inspector{data: e.dst[start:]}
	return in.whole(maxDepth - e.depth)
}

// firstCheck is how much the library writes before the depth is first looked
// at. Few states are that long, and one that contains itself takes one byte or
// more and about 400 bytes of stack for each level, of which a goroutine may
// use 1 GB.
const firstCheck = 64 << 10

// Write implements [io.Writer] for the library.
func (e *encoder) Write(p []byte) (int, error) {
	e.dst = append(e.dst, p...)
	if len(e.dst) < e.check {
		return len(p), nil
	}
	return len(p), e.checkDepth()
}

// WriteByte implements [io.ByteWriter] for the library.
func (e *encoder) WriteByte(b byte) error {
	e.dst = append(e.dst, b)
	if len(e.dst) < e.check {
		return nil
	}
	return e.checkDepth()
}

// checkDepth stops the library when it follows a state that contains itself,
// before the stack overflows. It looks whenever dst has doubled, so that all
// looks together cost no more than the one at the end.
func (e *encoder) checkDepth() error {
	e.check = 2 * len(e.dst)
	if err := inspectMsgPack(e.dst[e.start:]); errors.Is(err, errDepth) {
		return err
	}
	return nil // mostly since the value does not end yet
}

// agrees reports whether the library gives the bytes that p gives, which it does
// not where msgpack.Register has told it to write a type in another way.
func (p *plan) agrees(t traits) bool {
	v := reflect.New(p.typ)
	f := filler{traits: t}
	f.fill(v.Elem(), "")
	var ours, theirs []byte
	quiet := quietly(func() (err error) {
		if ours, err = encode(nil, v.Interface(), p, false); err != nil {
			return err
		}
		e := &encoder{enc: msgpack.NewEncoder(nil)}
		err = e.viaLibrary(0).EncodeValue(v.Elem())
		theirs = e.dst
		return err
	})
	return !quiet || bytes.Equal(ours, theirs)
}
