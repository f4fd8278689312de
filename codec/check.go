package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// Check returns an error if c loses a part of some T. It names the first field
// of which that is so. A Manager calls it with its codec.
//
// It fills a T by reflection: every exported field, also of embedded structs and
// behind pointers, and two elements of every slice and one of every map. What
// Append writes of it must decode to the same. The second T that it tries has
// slices, maps and pointers of zero elements, since a type may refuse to read
// its own zero. What Append refuses to write is no loss: that request fails,
// and not the next one.
//
// These are not losses: unexported fields, fields that the tag of the codec
// leaves out, the zone of a time, and an empty slice, map or value that comes
// back as nil. But a struct of unexported fields alone, without methods by which
// it encodes itself, is an error with the codecs of this package.
//
// Check does not find what depends on values, such as a method that refuses to
// read some of what it wrote: see [RoundTrip]. It takes from 20 microseconds to
// a millisecond, by the size of T.
func Check[T any](c Codec[T]) error {
	c = checkableOf(c)
	p := probe[T]{c, traitsOf(c)}
	f := filler{traits: p.traits}
	f.fill(reflect.ValueOf(new(T)).Elem(), "")
	lost := f.problem
	for _, zeros := range []bool{false, true} {
		if lost == nil {
			lost = p.try(zeros, f.leaves)
		}
	}
	if lost == nil {
		return nil
	}
	return fmt.Errorf("codec: %s would lose a part of %s: %w", p.name(), reflect.TypeFor[T](), lost)
}

// RoundTrip returns an error unless v, written by c, can be read again and is
// then equal to v. The error names the first part that differs and does not
// quote it. It is for tests of an application, with states as it makes them,
// because a Manager does not decode what it writes.
//
// What [Check] does not count as a loss, RoundTrip does not count either. But
// a value in an interface must come back in the type that it had.
//
// It also returns an error if c breaks what [Codec] says of the data that it
// decodes: that it does not change them, and that v keeps no part of them.
func RoundTrip[T any](c Codec[T], v T) error {
	p := probe[T]{c, traitsOf(c)}
	got, lost := p.roundTrip(&v)
	if lost == nil {
		lost = p.difference(&v, got)
	}
	if lost == nil {
		return nil
	}
	return fmt.Errorf("codec: %s: %s: %w", p.name(), reflect.TypeFor[T](), lost)
}

// traits are what Check must know of a codec.
type traits struct {
	name    string
	tag     string       // the key of its struct tags
	methods []methodPair // by which types encode themselves
	strict  bool         // keeps exported fields alone, apart from those methods
	closed  bool         // cannot read an interface with methods, but for error
	errors  bool         // can read an error
}

// described is implemented by the codecs of this package.
type described interface{ describe() traits }

// traitsOf returns those of c, or of a codec of which nothing is known.
func traitsOf(c any) traits {
	if d, ok := c.(described); ok {
		return d.describe()
	}
	return traits{methods: allMethods}
}

// checkable is implemented by codecs in whose place Check tries another one.
type checkable[T any] interface{ checkable() Codec[T] }

func checkableOf[T any](c Codec[T]) Codec[T] {
	if other, ok := c.(checkable[T]); ok {
		return other.checkable()
	}
	return c
}

// probe tries a codec.
type probe[T any] struct {
	codec  Codec[T]
	traits traits
}

func (p probe[T]) name() string {
	if p.traits.name != "" {
		return p.traits.name
	}
	return fmt.Sprintf("%T", p.codec)
}

// loss is why a state does not come through a codec.
type loss struct {
	path string // of the part, if known
	how  string
	// written is false where Append has refused the state, so that nothing is
	// stored which cannot be read.
	written bool
}

func (l *loss) Error() string { return strings.TrimPrefix(l.path+" "+l.how, " ") }

// why is the text of an error of a codec within another one.
func why(err error) string { return strings.TrimPrefix(err.Error(), "codec: ") }

// nothing is the path of no part.
const nothing = "\x00"

// try tries a T that is filled, or that has zero elements in all its slices,
// maps and pointers. If there is an error that does not say where, it tries the
// leaves one by one.
func (p probe[T]) try(zeros bool, leaves []string) *loss {
	joint := p.tryFilled(zeros, "")
	if joint == nil || joint.path != "" {
		return joint
	}
	if !zeros && p.tryFilled(false, nothing) != nil {
		return joint
	}
	for _, leaf := range leaves {
		alone := p.tryFilled(zeros, leaf)
		if alone == nil || zeros && !alone.written {
			continue
		}
		if alone.path == "" {
			alone.path = strings.TrimSuffix(leaf, "[key]") // with which the value has been tried
		}
		return alone
	}
	if zeros && !joint.written {
		return nil
	}
	return joint
}

func (p probe[T]) tryFilled(zeros bool, only string) *loss {
	var v T
	f := filler{traits: p.traits, zeros: zeros, only: only}
	f.fill(reflect.ValueOf(&v).Elem(), "")
	got, lost := p.roundTrip(&v)
	if lost != nil || zeros {
		return lost
	}
	return p.difference(&v, got)
}

// roundTrip returns what the codec decodes of what it has written of v.
func (p probe[T]) roundTrip(v *T) (*T, *loss) {
	data, err := p.call(func() ([]byte, error) { return p.codec.Append(nil, v) })
	if err != nil {
		return nil, &loss{how: "cannot be written: " + why(err)}
	}
	before := bytes.Clone(data)
	got := new(T)
	if _, err := p.call(func() ([]byte, error) { return nil, p.codec.Decode(data, got) }); err != nil {
		return nil, &loss{how: "cannot be read back: " + why(err), written: true}
	}
	if !bytes.Equal(data, before) {
		return nil, &loss{how: "cannot be read without a change of the data", written: true}
	}
	// If got holds a part of data, it differs from v now.
	for i := range data {
		data[i] ^= 0x5a
	}
	return got, nil
}

// call calls a codec, which may be the application's and panic.
func (probe[T]) call(fn func() ([]byte, error)) (data []byte, err error) {
	defer guard(&err)
	return fn()
}

func (p probe[T]) difference(v, got *T) *loss {
	d := differ{p.traits}
	path, how := d.compare(reflect.ValueOf(v).Elem(), reflect.ValueOf(got).Elem(), "")
	if how == "" {
		return nil
	}
	return &loss{path, how, true}
}
