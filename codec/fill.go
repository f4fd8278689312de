package codec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// filler fills a state with values of which no two are alike, where their types
// have room for that.
type filler struct {
	traits traits
	zeros  bool   // slices, maps and pointers get zero elements, and else nothing is filled
	only   string // the only leaf that is filled, or empty

	last    int
	leaves  []string       // the paths of all that could be filled
	within  []reflect.Type // the types that the value is a part of
	problem *loss          // what is wrong with T that no value can show
}

// keyZone is one that a time comes back in as another one, which makes it another
// key of a map. Go keeps one zone for each offset of whole hours.
var keyZone = time.FixedZone("", 90*60)

const (
	// maxWithin is how often a type occurs within itself.
	maxWithin = 2

	// maxLeaves bounds the time that types take which refer to each other.
	maxLeaves = 2000
)

// fill fills v and reports whether it did, or at least left a value that can be
// a part of a slice or a map.
func (f *filler) fill(v reflect.Value, path string) bool {
	t := v.Type()
	if f.depth(t) >= maxWithin || len(f.leaves) > maxLeaves && len(f.within) > 0 {
		return false
	}
	f.within = append(f.within, t)
	defer func() { f.within = f.within[:len(f.within)-1] }()
	switch {
	case t == timeType:
		if f.leaf(path) {
			f.last++
			v.Set(reflect.ValueOf(time.Date(2001, 2, 3, 4, 5, f.last, 0, keyZone)))
		}
		return true
	case f.traits.encodes(t):
		if f.leaf(path) {
			return f.fillItself(v)
		}
		return true
	}
	return f.fillKind(v, path)
}

func (f *filler) depth(t reflect.Type) (n int) {
	for _, outer := range f.within {
		if outer == t {
			n++
		}
	}
	return n
}

// leaf records a leaf and reports whether it is to be filled.
func (f *filler) leaf(path string) bool {
	f.leaves = append(f.leaves, path)
	return !f.zeros && (f.only == "" || f.only == path)
}

// leadsTo reports whether anything at the path, or below, is to be filled.
func (f *filler) leadsTo(path string) bool {
	return f.only == "" || f.only != nothing && strings.HasPrefix(f.only, path)
}

func (f *filler) fillKind(v reflect.Value, path string) bool {
	switch v.Kind() {
	case reflect.Struct:
		f.fillStruct(v, path)
		return true
	case reflect.Pointer:
		elem := reflect.New(v.Type().Elem())
		if !f.fill(elem.Elem(), path) {
			return false
		}
		if f.leadsTo(path) {
			v.Set(elem)
		}
		return true
	case reflect.Slice, reflect.Array, reflect.Map:
		f.fillParts(v, path)
		return true
	case reflect.Interface:
		return f.fillInterface(v, path)
	}
	if f.leaf(path) {
		f.last++
		f.fillScalar(v)
	}
	return true
}

// fillScalar fills v with a digit or a small number, which is a value for many
// types that are more than what their kind says.
func (f *filler) fillScalar(v reflect.Value) {
	n := f.last%100 + 1
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(strconv.Itoa(n))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(n))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(float64(n), 1))
	}
}

func (f *filler) fillInterface(v reflect.Value, path string) bool {
	t := v.Type()
	if t.NumMethod() > 0 {
		if f.traits.closed && !(f.traits.errors && t == errorType) {
			f.refuse(path, "is of type %s, which has methods, so that what it holds could not be read back", t)
		}
		return false
	}
	if f.leaf(path) {
		f.last++
		v.Set(reflect.ValueOf(strconv.Itoa(f.last)))
	}
	return true
}

func (f *filler) refuse(path, how string, of any) {
	if f.problem == nil {
		f.problem = &loss{path: path, how: fmt.Sprintf(how, of)}
	}
}

// maxElements is how many elements of an array are filled.
const maxElements = 4

func (f *filler) fillParts(v reflect.Value, path string) {
	t := v.Type()
	switch v.Kind() {
	case reflect.Array:
		for i := range min(v.Len(), maxElements) {
			f.fill(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Slice:
		n := 2
		if t.Elem().Kind() == reflect.Uint8 {
			n = 1 // one digit, which is text and a whole value of JSON and MessagePack
		}
		list := reflect.MakeSlice(t, n, n)
		for i := range n {
			if !f.fill(list.Index(i), fmt.Sprintf("%s[%d]", path, i)) {
				return
			}
			if n == 1 && !f.zeros {
				list.Index(0).SetUint('1' + uint64(f.last%9))
			}
		}
		if f.leadsTo(path) {
			v.Set(list)
		}
	case reflect.Map:
		m := reflect.MakeMap(t)
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if f.fill(key, path+"[key]") && f.fill(value, path+"[value]") && f.leadsTo(path) {
			m.SetMapIndex(key, value)
			v.Set(m)
		}
	}
}

func (f *filler) fillStruct(v reflect.Value, path string) {
	t := v.Type()
	hidden, kept := false, false
	for i := range t.NumField() {
		field := t.Field(i)
		at := join(path, field.Name)
		empty := field.Type.Kind() == reflect.Struct && field.Type.NumField() == 0
		switch {
		case !field.IsExported() && !field.Anonymous:
			hidden = true
			continue
		case f.traits.leavesOut(field): // on purpose
		case field.IsExported():
			f.fill(v.Field(i), at)
		case field.Type.Kind() == reflect.Struct:
			f.fillStruct(v.Field(i), at)
		case f.traits.strict:
			f.refuse(at, "is an embedded %s, which is not exported and could not be read back: name the field", field.Type)
		}
		kept = kept || field.IsExported() || !empty
	}
	if hidden && !kept && f.traits.strict {
		f.refuse(path, "is of type %s, which has no exported field, so that nothing of it would be kept", t)
	}
}
