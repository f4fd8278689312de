package codec

import (
	"fmt"
	"reflect"
	"time"
)

// rules say which types a serialiser carries. They find out when a codec is
// made what the serialiser itself would notice late, when a slice or a pointer
// is first not empty, or never, where it silently leaves fields out.
type rules struct {
	codec      string       // for errors
	noKind     reflect.Kind // a kind that only this serialiser lacks
	readsError bool         // whether it can read an error back
	rawBytes   bool         // whether it writes a slice of any kind of uint8 as bytes

	pairs      []pair // in the order in which it looks for them
	valueFirst bool   // whether it prefers any method of the value to those of the pointer

	tag    func(f reflect.StructField) fieldTag
	inline func(f reflect.StructField, tag fieldTag) bool // passes over methods of an embedded struct
	names  func(t reflect.Type) error                     // whether two fields have one name

	key   func(t reflect.Type) error                          // instead of find, or nil
	field func(f reflect.StructField, options []string) error // what else is wrong, or nil
}

// fieldTag is what a struct tag says of a field.
type fieldTag struct {
	name    string // or empty
	options []string
	leftOut bool
}

// check returns an error that names the first part of t which is not carried.
// Otherwise it tells whether t is closed: whether what will be encoded is known
// from the type alone, because there is no interface and no type of the
// application's that encodes itself in it, and no type within itself.
func (r *rules) check(t reflect.Type) (closed bool, err error) {
	f := finder{rules: r, closed: true, done: make(map[place]bool)}
	if err := f.find(t, true); err != nil {
		return false, fmt.Errorf("codec: %s cannot carry %s: %w", r.codec, t, err)
	}
	return f.closed, nil
}

// finder walks over a type and all types within.
type finder struct {
	*rules
	closed bool
	done   map[place]bool // false while the walk is within the type
}

// place is a type where it stands: methods on its pointer are called only where
// values have an address, which the elements of a map have not.
type place struct {
	reflect.Type
	address bool
}

func (f *finder) find(t reflect.Type, address bool) error {
	at := place{t, address}
	if done, ok := f.done[at]; ok {
		f.closed = f.closed && done
		return nil
	}
	f.done[at] = false
	defer func() { f.done[at] = true }()

	switch t.Kind() {
	case reflect.Pointer:
		return f.find(t.Elem(), true)
	case reflect.Interface:
		f.closed = false
		if t.NumMethod() > 0 && !(f.readsError && t == reflect.TypeFor[error]()) {
			return fmt.Errorf("%s has methods, so that what it holds could not be read back", t)
		}
		return nil
	}
	switch itself, err := f.encodesItself(t, address); {
	case err != nil:
		return err
	case itself:
		f.closed = f.closed && t == reflect.TypeFor[time.Time]()
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, f.noKind:
		return fmt.Errorf("%s is not supported", t)
	case reflect.Slice, reflect.Array:
		if f.rawBytes && t.Elem().Kind() == reflect.Uint8 {
			return nil // the element's methods are not called
		}
		return f.find(t.Elem(), address || t.Kind() == reflect.Slice)
	case reflect.Map:
		return f.findMap(t)
	case reflect.Struct:
		return f.findFields(t, address)
	}
	return nil
}

func (f *finder) findMap(t reflect.Type) error {
	if f.key == nil {
		if err := f.find(t.Key(), false); err != nil {
			return err
		}
	} else if err := f.key(t.Key()); err != nil {
		return err
	}
	return f.find(t.Elem(), false)
}

func (f *finder) findFields(t reflect.Type, address bool) error {
	if err := f.names(t); err != nil {
		return err
	}
	hidden, kept := false, false
	for i := range t.NumField() {
		field := t.Field(i)
		tag := f.tag(field)
		switch {
		case !field.IsExported() && !field.Anonymous:
			hidden = true
			continue
		case !tag.leftOut: // on purpose
			if err := f.findField(field, tag, address); err != nil {
				return fmt.Errorf("%s: %w", field.Name, err)
			}
		}
		empty := field.Type.Kind() == reflect.Struct && field.Type.NumField() == 0
		kept = kept || field.IsExported() || !empty
	}
	if hidden && !kept {
		return fmt.Errorf("%s has no exported field, so that nothing of it would be kept", t)
	}
	return nil
}

func (f *finder) findField(field reflect.StructField, tag fieldTag, address bool) error {
	inline := f.inline(field, tag)
	if field.Anonymous && !field.IsExported() {
		if field.Type.Kind() != reflect.Struct || !inline && hasMethods(field.Type, f.pairs) {
			return fmt.Errorf("an embedded %s, which is not exported, could not be read back: name the field", field.Type)
		}
	}
	if f.field != nil {
		if err := f.field(field, tag.options); err != nil {
			return err
		}
	}
	if !inline {
		return f.find(field.Type, address)
	}
	return f.findFields(pointee(field.Type), address || field.Type.Kind() == reflect.Pointer)
}

// pointee returns what t points to, or t.
func pointee(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
