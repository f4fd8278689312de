package codec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
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
func (r *rules) check(t reflect.Type) error {
	if err := r.find(t, make(map[reflect.Type]bool)); err != nil {
		return fmt.Errorf("codec: %s cannot carry %s: %w", r.codec, t, err)
	}
	return nil
}

func (r *rules) find(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	if t.Kind() == reflect.Interface {
		if t.NumMethod() > 0 && !(r.readsError && t == reflect.TypeFor[error]()) {
			return fmt.Errorf("%s has methods, so that what it holds could not be read back", t)
		}
		return nil
	}
	encodesItself := func(method reflect.Type) bool {
		return t.Implements(method) || reflect.PointerTo(t).Implements(method)
	}
	if slices.ContainsFunc(r.methods, encodesItself) {
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, r.noKind:
		return fmt.Errorf("%s is not supported", t)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return r.find(t.Elem(), seen)
	case reflect.Map:
		if err := r.find(t.Key(), seen); err != nil {
			return err
		}
		return r.find(t.Elem(), seen)
	case reflect.Struct:
		return r.findField(t, seen)
	}
	return nil
}

func (r *rules) findField(t reflect.Type, seen map[reflect.Type]bool) error {
	lost := t.NumField() > 0
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		lost = false
		name, options, _ := strings.Cut(f.Tag.Get(r.tag), ",")
		if name == "-" && options == "" {
			continue // left out on purpose
		}
		err := r.find(f.Type, seen)
		if err == nil && r.field != nil {
			err = r.field(f, strings.Split(options, ","))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if lost {
		return fmt.Errorf("%s has no exported field, so that nothing of it would be kept", t)
	}
	return nil
}
