package codec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// planner compiles the plan of a type and of all types within.
type planner struct {
	plans   map[reflect.Type]*plan
	path    string // of what is being compiled
	problem error  // the first that is found
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	errorType = reflect.TypeFor[error]()
)

func (pl *planner) plan(t reflect.Type) *plan {
	if p, ok := pl.plans[t]; ok {
		return p
	}
	p := &plan{typ: t}
	pl.plans[t] = p
	switch {
	case t == timeType:
		p.write, p.read = writeTime, readTime
	case encodesItself(t):
		p.leave()
	default:
		pl.compile(p)
	}
	return p
}

func (p *plan) leave() {
	p.viaLibrary = true
	p.write, p.read = writeByLibrary, readByLibrary
}

// refuse records why no value of p's type can be carried.
func (pl *planner) refuse(p *plan, err error) {
	if pl.path != "" {
		err = fmt.Errorf("%s: %w", pl.path, err)
	}
	if pl.problem == nil {
		pl.problem = err
	}
	p.refused = err
	p.write = func(p *plan, _ *encoder, _ reflect.Value) error { return fault(p.refused.Error()) }
	p.read = func(p *plan, _ *decoder, _ reflect.Value) error { return fault(p.refused.Error()) }
}

func (pl *planner) within(path string, compile func()) {
	outer := pl.path
	pl.path = strings.TrimPrefix(outer+path, ".")
	compile()
	pl.path = outer
}

func (pl *planner) compile(p *plan) {
	t := p.typ
	switch t.Kind() {
	case reflect.Struct:
		pl.compileStruct(p)
	case reflect.Pointer:
		p.write, p.read = writePointer, readPointer
		if p.elem = pl.plan(t.Elem()); p.elem.viaLibrary {
			p.leave() // it looks for methods of the pointer first
		}
	case reflect.Interface:
		pl.compileInterface(p)
	case reflect.Array, reflect.Slice:
		pl.compileList(p)
	case reflect.Map:
		pl.compileMap(p)
	default:
		if p.write, p.read = writers[t.Kind()], readers[t.Kind()]; p.write == nil {
			pl.refuse(p, fmt.Errorf("%s is not supported", t))
			if t.Kind() != reflect.Uintptr {
				p.leave() // in an interface, to an error that says the same
			}
		}
	}
}

func (pl *planner) compileMap(p *plan) {
	p.write, p.read = writeMap, readMap
	key, elem := p.typ.Key(), p.typ.Elem()
	pl.within("[key]", func() { p.key = pl.plan(key) })
	pl.within("[value]", func() { p.elem = pl.plan(elem) })
	if write, ok := mapWriters[[2]reflect.Type{key, elem}]; ok {
		p.write, p.read = write, mapReaders[[2]reflect.Type{key, elem}]
	}
	p.replaced = key == reflect.TypeFor[string]() && elem == reflect.TypeFor[any]()
}

func (pl *planner) compileInterface(p *plan) {
	p.write, p.read = writeInterface, readInterface
	switch t := p.typ; {
	case t == errorType:
		p.leave()
	case t.NumMethod() > 0:
		pl.refuse(p, fmt.Errorf("%s has methods, so that what it holds could not be read back", t))
		p.write, p.read = writeInterface, readByLibrary
	}
}

func (pl *planner) compileList(p *plan) {
	t := p.typ
	bytes := t.Elem().Kind() == reflect.Uint8 // whatever methods the element has
	if !bytes {
		pl.within("[0]", func() { p.elem = pl.plan(t.Elem()) })
	}
	switch slice := t.Kind() == reflect.Slice; {
	case slice && bytes:
		p.write, p.read = writeBytes, readBytes
	case slice:
		p.write, p.read = writeSlice, readSlice
		if t.Elem() == reflect.TypeFor[string]() {
			p.read = readStrings
		}
	case bytes:
		p.write, p.read = writeByteArray, readByteArray
	default:
		p.write, p.read = writeArray, readArray
	}
}

func (pl *planner) compileStruct(p *plan) {
	p.write, p.read = writeStruct, readStruct
	list, err := fieldsOf(p.typ)
	switch {
	case errors.Is(err, errUnusual):
		p.leave()
		return
	case err != nil:
		pl.refuse(p, err)
		return
	}
	p.array = list.array
	for _, f := range list.fields {
		field := pl.field(f)
		if field.omit && !field.zeroer && (f.typ.Kind() == reflect.Interface || f.typ.Kind() == reflect.Struct && field.plan.viaLibrary) {
			p.leave() // to find out whether those are empty
			return
		}
		field.first = slices.Equal(list.read[f.name].index, f.index)
		p.omits = p.omits || field.omit
		p.fields = append(p.fields, field)
	}
	p.byName = make(map[string]*planField, len(list.read))
	for name, f := range list.read {
		field := pl.field(f)
		p.byName[name] = &field
	}
}

// field returns the plan of a field.
func (pl *planner) field(f structField) planField {
	field := planField{name: f.name, head: appendString(nil, f.name), index: f.index, omit: f.omitEmpty}
	pl.within("."+f.path, func() { field.plan = pl.plan(f.typ) })
	field.zeroer = f.typ.Implements(reflect.TypeFor[interface{ IsZero() bool }]())
	return field
}
