package codec

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// differ finds the first part of a state that was not kept.
type differ struct{ traits traits }

const (
	isLost    = "is lost"
	isChanged = "is changed"
)

// compare returns the path of the first part of b, which was decoded, that
// differs from a, and how, or nothing.
func (d differ) compare(a, b reflect.Value, path string) (where, how string) {
	if equal, known := equalByMethod(a, b); known {
		return d.result(equal, b, path)
	}
	switch a.Kind() {
	case reflect.Struct:
		return d.compareStruct(a, b, path)
	case reflect.Pointer:
		return d.comparePointer(a, b, path)
	case reflect.Interface:
		return d.compareInterface(a, b, path)
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return d.result(false, b, path)
		}
		for i := range a.Len() {
			if where, how := d.compare(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i)); how != "" {
				return where, how
			}
		}
		return "", ""
	case reflect.Map:
		return d.compareMap(a, b, path)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return d.result(a.IsNil() == b.IsNil(), b, path)
	case reflect.Float32, reflect.Float64:
		x, y := a.Float(), b.Float()
		return d.result(x == y || math.IsNaN(x) && math.IsNaN(y), b, path)
	}
	return d.result(a.Equal(b), b, path)
}

func (d differ) result(equal bool, b reflect.Value, path string) (where, how string) {
	switch {
	case equal:
		return "", ""
	case b.IsZero():
		return path, isLost
	}
	return path, isChanged
}

func (d differ) compareStruct(a, b reflect.Value, path string) (where, how string) {
	t := a.Type()
	exported := false
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && (!f.Anonymous || f.Type.Kind() != reflect.Struct) {
			continue
		}
		exported = true
		if d.traits.leavesOut(f) {
			continue
		}
		if where, how := d.compare(a.Field(i), b.Field(i), join(path, f.Name)); how != "" {
			return where, how
		}
	}
	if !exported && a.CanInterface() {
		return d.result(reflect.DeepEqual(a.Interface(), b.Interface()), b, path)
	}
	return "", ""
}

// comparePointer takes nil and a pointer to a zero value for equal, as Gob does.
func (d differ) comparePointer(a, b reflect.Value, path string) (where, how string) {
	switch {
	case a.IsNil() && b.IsNil():
		return "", ""
	case a.IsNil():
		return d.result(b.Elem().IsZero(), b, path)
	case b.IsNil():
		return d.result(a.Elem().IsZero(), b, path)
	}
	return d.compare(a.Elem(), b.Elem(), path)
}

func (d differ) compareInterface(a, b reflect.Value, path string) (where, how string) {
	switch {
	case a.IsNil() || b.IsNil():
		return d.result(a.IsNil() && b.IsNil(), b, path)
	case a.Elem().Type() != b.Elem().Type():
		return path, fmt.Sprintf("is changed from %s to %s", a.Elem().Type(), b.Elem().Type())
	}
	return d.compare(a.Elem(), b.Elem(), path)
}

func (d differ) compareMap(a, b reflect.Value, path string) (where, how string) {
	if a.Len() != b.Len() {
		return d.result(false, b, path)
	}
	for iter := a.MapRange(); iter.Next(); {
		value := b.MapIndex(iter.Key())
		if !value.IsValid() {
			return path + "[key]", isChanged + ", so that the map would not find it"
		}
		if where, how := d.compare(iter.Value(), value, path+"[value]"); how != "" {
			return where, how
		}
	}
	return "", ""
}

// equalByMethod compares two values by their method Equal or Cmp, as most types
// have whose fields are not exported.
func equalByMethod(a, b reflect.Value) (equal, known bool) {
	t := a.Type()
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer || !a.CanInterface() || t.NumMethod() == 0 && !a.CanAddr() {
		return false, false
	}
	if t == timeType {
		return a.Interface().(time.Time).Equal(b.Interface().(time.Time)), true
	}
	if m, ok := t.MethodByName("Equal"); ok && takesAnother(m, t, reflect.Bool) {
		return m.Func.Call([]reflect.Value{a, b})[0].Bool(), true
	}
	pointer := reflect.PointerTo(t)
	if m, ok := pointer.MethodByName("Cmp"); ok && a.CanAddr() && b.CanAddr() && takesAnother(m, pointer, reflect.Int) {
		return m.Func.Call([]reflect.Value{a.Addr(), b.Addr()})[0].Int() == 0, true
	}
	return false, false
}

// takesAnother reports whether m, a method of t, takes another t and returns
// a result of the kind.
func takesAnother(m reflect.Method, t reflect.Type, result reflect.Kind) bool {
	return m.Type.NumIn() == 2 && m.Type.In(1) == t && m.Type.NumOut() == 1 && m.Type.Out(0).Kind() == result
}

// leavesOut reports whether the field is left out on purpose.
func (t traits) leavesOut(f reflect.StructField) bool {
	switch t.tag {
	case "json":
		return f.Tag.Get("json") == "-"
	case "msgpack":
		name, _, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		return strings.TrimSpace(name) == "-"
	}
	return !t.strict && strings.Contains(string(f.Tag), `:"-"`) // whatever key the codec has
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
