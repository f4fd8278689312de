package codec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// errClash says that of two fields with one name a serialiser would lose one.
func errClash(t reflect.Type, name, one, other string) error {
	return fmt.Errorf("%s and %s of %s are both named %q, so that one would be lost: rename one, or tag it \"-\"",
		one, other, t, name)
}

func jsonTag(f reflect.StructField) fieldTag {
	tag := f.Tag.Get("json")
	if tag == "-" {
		return fieldTag{leftOut: true}
	}
	name, _, _ := strings.Cut(tag, ",")
	return fieldTag{name: name}
}

// jsonInline reports whether f is an embedded struct whose fields become those
// of the outer one.
func jsonInline(f reflect.StructField, tag fieldTag) bool {
	return f.Anonymous && tag.name == "" && pointee(f.Type).Kind() == reflect.Struct
}

// jsonNames returns an error if two fields of t, promoted ones included, have
// one name. Of such fields encoding/json keeps the least nested or none.
func jsonNames(t reflect.Type) error {
	n := jsonNamer{t, make(map[string]string)}
	return n.add(t, "", nil)
}

type jsonNamer struct {
	outer reflect.Type
	names map[string]string // the field of each name
}

// add adds the fields of t, which is embedded at path in the types of within.
func (n *jsonNamer) add(t reflect.Type, path string, within []reflect.Type) error {
	if slices.Contains(within, t) {
		return fmt.Errorf("%s embeds itself, and its fields would be lost: name the field", t)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := jsonTag(f)
		if tag.leftOut || !f.IsExported() && !f.Anonymous {
			continue
		}
		if jsonInline(f, tag) {
			if err := n.add(pointee(f.Type), path+f.Name+".", append(within, t)); err != nil {
				return err
			}
			continue
		}
		name := cmp.Or(tag.name, f.Name)
		if other, ok := n.names[name]; ok {
			return errClash(n.outer, name, other, path+f.Name)
		}
		n.names[name] = path + f.Name
	}
	return nil
}

func msgPackTag(f reflect.StructField) fieldTag {
	parts := strings.Split(f.Tag.Get("msgpack"), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if strings.Contains(parts[0], ":") { // no name
		return fieldTag{options: parts}
	}
	return fieldTag{name: parts[0], options: parts[1:], leftOut: parts[0] == "-"}
}

// msgPackInline reports whether f is an embedded struct of which the library
// writes the fields whatever methods it has.
func msgPackInline(f reflect.StructField, tag fieldTag) bool {
	return f.Anonymous && f.Type.Kind() == reflect.Struct &&
		slices.Contains(tag.options, "inline") && !slices.Contains(tag.options, "noinline")
}

// msgPackNames returns an error if a field of t would be written under a name
// under which another one is read.
func msgPackNames(t reflect.Type) error {
	n, err := namesOf(t)
	if err != nil || n.array {
		return err
	}
	for _, field := range n.written {
		if other := n.read[field.name]; other != field.path {
			return errClash(t, field.name, field.path, other)
		}
	}
	return nil
}

// msgPackNamer goes over the fields of a struct as the library does.
type msgPackNamer struct {
	outer   reflect.Type
	array   bool              // written without names
	written []namedField      // in order
	read    map[string]string // the path of the field that is read from each name
}

type namedField struct{ name, path string }

func namesOf(t reflect.Type) (*msgPackNamer, error) {
	n := &msgPackNamer{outer: t, read: make(map[string]string)}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := msgPackTag(f)
		if f.Name == "_msgpack" {
			n.array = slices.Contains(tag.options, "as_array") || slices.Contains(tag.options, "asArray")
		}
		if tag.leftOut || !f.IsExported() && !f.Anonymous {
			continue
		}
		tag.name = cmp.Or(tag.name, f.Name)
		if inlined, err := n.embed(f, tag); err != nil {
			return nil, err
		} else if inlined {
			n.read[tag.name] = f.Name
			continue
		}
		n.add(tag.name, f.Name)
		for _, option := range tag.options {
			if alias, ok := strings.CutPrefix(option, "alias:"); ok {
				n.read[alias] = f.Name
			}
		}
	}
	return n, nil
}

func (n *msgPackNamer) add(name, path string) {
	n.written = append(n.written, namedField{name, path})
	n.read[name] = path
}

// embed adds the fields of f, if the library makes them those of the outer
// struct. Unless told to, it does not where one of the names is taken already.
func (n *msgPackNamer) embed(f reflect.StructField, tag fieldTag) (inlined bool, err error) {
	told := msgPackInline(f, tag)
	if !f.Anonymous || f.Type.Kind() != reflect.Struct || slices.Contains(tag.options, "noinline") ||
		!told && hasMethods(f.Type, msgPackPairs) {
		return false, nil
	}
	inner, err := namesOf(f.Type)
	if err != nil {
		return false, err
	}
	for _, field := range inner.written {
		other, taken := n.read[field.name]
		switch {
		case taken && told:
			return false, errClash(n.outer, field.name, other, f.Name+"."+field.path)
		case taken:
			return false, nil
		}
	}
	for _, field := range inner.written {
		n.add(field.name, f.Name+"."+field.path)
	}
	return true, nil
}
