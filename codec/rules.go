package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// rules say which types a serialiser carries. They find out when a codec is
// made what the serialiser itself would notice late, when a slice or a pointer
// is first not empty, or never, where it silently leaves fields out.
type rules struct {
	codec      string         // for errors
	tag        string         // the key of its struct tags
	noKind     reflect.Kind   // a kind that only this serialiser lacks
	readsError bool           // whether it can read an error back
	methods    []reflect.Type // interfaces by which a type encodes itself

	// field returns what else is wrong with a field, given its tag's options.
	field func(f reflect.StructField, options []string) error
}

// check returns an error that names the first part of t which is not carried.
// Otherwise it tells whether t is closed: whether what will be encoded is known
// from the type alone, because there is no interface and no type of the
// application's that encodes itself in it, and no type within itself.
func (r *rules) check(t reflect.Type) (closed bool, err error) {
	f := finder{rules: r, closed: true, done: make(map[reflect.Type]bool)}
	if err := f.find(t); err != nil {
		return false, fmt.Errorf("codec: %s cannot carry %s: %w", r.codec, t, err)
	}
	return f.closed, nil
}

// finder walks over a type and all types within.
type finder struct {
	*rules
	closed bool
	done   map[reflect.Type]bool // false while the walk is within the type
}

func (f *finder) find(t reflect.Type) error {
	if done, ok := f.done[t]; ok {
		f.closed = f.closed && done
		return nil
	}
	f.done[t] = false
	defer func() { f.done[t] = true }()

	switch t.Kind() {
	case reflect.Pointer:
		return f.find(t.Elem())
	case reflect.Interface:
		f.closed = false
		if t.NumMethod() > 0 && !(f.readsError && t == reflect.TypeFor[error]()) {
			return fmt.Errorf("%s has methods, so that what it holds could not be read back", t)
		}
		return nil
	}
	encodesItself := func(method reflect.Type) bool {
		return t.Implements(method) || reflect.PointerTo(t).Implements(method)
	}
	if slices.ContainsFunc(f.methods, encodesItself) {
		f.closed = f.closed && t == reflect.TypeFor[time.Time]()
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, f.noKind:
		return fmt.Errorf("%s is not supported", t)
	case reflect.Slice, reflect.Array:
		return f.find(t.Elem())
	case reflect.Map:
		if err := f.find(t.Key()); err != nil {
			return err
		}
		return f.find(t.Elem())
	case reflect.Struct:
		return f.findField(t)
	}
	return nil
}

func (f *finder) findField(t reflect.Type) error {
	lost := t.NumField() > 0
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		lost = false
		name, options, _ := strings.Cut(field.Tag.Get(f.tag), ",")
		if name == "-" && options == "" {
			continue // left out on purpose
		}
		err := f.find(field.Type)
		if err == nil && f.field != nil {
			err = f.field(field, strings.Split(options, ","))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", field.Name, err)
		}
	}
	if lost {
		return fmt.Errorf("%s has no exported field, so that nothing of it would be kept", t)
	}
	return nil
}
