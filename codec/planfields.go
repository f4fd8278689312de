package codec

import (
	"cmp"
	"encoding"
	"errors"
	"reflect"
	"slices"
	"strings"
)

// structFields are the fields of a struct as the MessagePack library finds them
// by its tags.
type structFields struct {
	array  bool          // written without names
	fields []structField // in the order in which they are written
	read   map[string]structField
}

type structField struct {
	name      string
	path      string
	index     []int
	typ       reflect.Type
	omitEmpty bool
}

// errUnusual is of a struct that is left to the library.
var errUnusual = errors.New("unusual")

// byteMethods are those of which the library writes what they return as bytes.
var byteMethods = []reflect.Type{
	reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
}

type wireTag struct {
	name    string
	alias   string
	options []string
}

func (t wireTag) has(option string) bool { return slices.Contains(t.options, option) }

// tagOf parses the tag of f. The library knows quotes and brackets, for which
// nothing else is done here than to leave it to them.
func tagOf(f reflect.StructField) (tag wireTag, err error) {
	text := f.Tag.Get("msgpack")
	if strings.ContainsAny(text, `'\(`) {
		return tag, errUnusual
	}
	for i, part := range strings.Split(text, ",") {
		key, value, found := strings.Cut(part, ":")
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); {
		case i == 0 && !found:
			tag.name = key
		case key == "alias":
			tag.alias = value
		case key == "" && found:
			return tag, errUnusual
		default:
			tag.options = append(tag.options, key)
		}
	}
	return tag, nil
}

// fieldsOf returns the fields of t, or errUnusual, or why t cannot be carried.
func fieldsOf(t reflect.Type) (*structFields, error) {
	s := &structFields{read: make(map[string]structField)}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, err := tagOf(f)
		if err != nil {
			return nil, err
		}
		if tag.name == "-" {
			continue
		}
		if f.Name == "_msgpack" {
			s.array = tag.has("as_array") || tag.has("asArray")
			if tag.has("omitempty") { // of all fields
				return nil, errUnusual
			}
		}
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		if err := s.add(f, tag); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *structFields) add(f reflect.StructField, tag wireTag) error {
	if tag.has("intern") { // it writes an extension type
		return errors.New(f.Name + ": the tag option intern is not supported")
	}
	embedded := f.Anonymous && !tag.has("noinline")
	if embedded && f.Type.Kind() == reflect.Pointer {
		// To fill an embedded pointer the library starts a goroutine for its
		// type, which never ends; over a type that embeds a pointer to itself
		// it overflows the stack.
		return errors.New(f.Name + ": an embedded pointer is not supported, unless tagged noinline")
	}
	field := structField{cmp.Or(tag.name, f.Name), f.Name, f.Index, f.Type, tag.has("omitempty")}
	if embedded {
		inlined, err := s.inline(field, tag.has("inline"))
		if err != nil {
			return err
		}
		if inlined {
			s.read[field.name] = field
			return nil
		}
	}
	if !f.IsExported() {
		return errUnusual // it cannot be set
	}
	s.fields = append(s.fields, field)
	s.read[field.name] = field
	if tag.alias != "" {
		s.read[tag.alias] = field
	}
	return nil
}

// inline adds the fields of an embedded struct, if the library makes them those
// of the outer one. Unless told to, it does so only where none of the names is
// taken.
func (s *structFields) inline(f structField, told bool) (bool, error) {
	if f.typ.Kind() != reflect.Struct || !told && (encodesItself(f.typ) || f.typ == timeType) {
		if told {
			return false, errUnusual
		}
		return false, nil
	}
	inner, err := fieldsOf(f.typ)
	if err != nil {
		return false, err
	}
	free := make([]structField, 0, len(inner.fields))
	for _, field := range inner.fields {
		if _, taken := s.read[field.name]; !taken {
			free = append(free, field)
		} else if !told {
			return false, nil
		}
	}
	for _, field := range free {
		field.path = f.path + "." + field.path
		field.index = slices.Concat(f.index, field.index)
		s.fields = append(s.fields, field)
		s.read[field.name] = field
	}
	return true, nil
}
