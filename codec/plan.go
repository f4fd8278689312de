package codec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// A plan says how the values of one type are written as MessagePack. It gives
// the bytes that the library (v5.4.1) gives, with two differences: the pairs of
// every map are in order, where the library orders only three types of map, and
// the nesting is bounded while it writes. What it does not do itself, above all
// methods of the application's types, it leaves to the library.
//
// Plans are compiled once for each type, and are not changed after that.
type plan struct {
	typ   reflect.Type
	write func(p *plan, e *encoder, v reflect.Value) error

	elem *plan // of an array, a slice, a map or a pointer
	key  *plan // of a map

	fields []planField // of a struct, in the order in which they are written
	array  bool        // a struct without names
	omits  bool        // a struct with fields that are left out when empty

	library bool  // left to the library
	parts   bool  // a part is left to the library, apart from what interfaces hold
	refused error // why no value of the type may be written
}

type planField struct {
	name   string
	head   []byte // the name, encoded
	index  []int
	omit   bool // left out when empty
	zeroer bool // has a method IsZero, which tells when that is
	plan   *plan
}

// of returns the field of the struct v.
func (f *planField) of(v reflect.Value) reflect.Value {
	if len(f.index) == 1 {
		return v.Field(f.index[0])
	}
	return v.FieldByIndex(f.index) // through embedded structs, never pointers
}

// planFor returns the plan for t, and why MsgPack cannot carry a t, or nil.
func planFor(t reflect.Type) (*plan, error) {
	pl := planner{plans: make(map[reflect.Type]*plan)}
	p := pl.plan(t)
	for _, p := range pl.plans {
		p.parts = p.leavesParts(make(map[*plan]bool))
	}
	return p, pl.problem
}

// dynamicPlans holds the plans of types that interfaces have held.
var dynamicPlans sync.Map // of reflect.Type to *plan

func dynamicPlan(t reflect.Type) *plan {
	if p, ok := dynamicPlans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := planFor(t)
	dynamicPlans.Store(t, p)
	return p
}

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
		p.write = writeTime
	case encodesItself(t):
		p.leave()
	default:
		pl.compile(p)
	}
	return p
}

func (p *plan) leave() {
	p.library = true
	p.write = writeByLibrary
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
}

func (pl *planner) within(path string, compile func()) {
	outer := pl.path
	pl.path += path
	compile()
	pl.path = outer
}

func (pl *planner) compile(p *plan) {
	t := p.typ
	switch t.Kind() {
	case reflect.Struct:
		pl.compileStruct(p)
	case reflect.Pointer:
		p.write = writePointer
		if p.elem = pl.plan(t.Elem()); p.elem.library {
			p.leave() // it looks for methods of the pointer first
		}
	case reflect.Interface:
		pl.compileInterface(p)
	case reflect.Array, reflect.Slice:
		pl.compileList(p)
	case reflect.Map:
		p.write = writeMap
		pl.within("[key]", func() { p.key = pl.plan(t.Key()) })
		pl.within("[value]", func() { p.elem = pl.plan(t.Elem()) })
		if write, ok := mapWriters[[2]reflect.Type{t.Key(), t.Elem()}]; ok {
			p.write = write
		}
	default:
		if p.write = writers[t.Kind()]; p.write == nil {
			pl.refuse(p, fmt.Errorf("%s is not supported", t))
			if t.Kind() != reflect.Uintptr {
				p.leave() // in an interface, to an error that says the same
			}
		}
	}
}

func (pl *planner) compileInterface(p *plan) {
	p.write = writeInterface
	switch t := p.typ; {
	case t == errorType:
		p.leave()
	case t.NumMethod() > 0:
		pl.refuse(p, fmt.Errorf("%s has methods, so that what it holds could not be read back", t))
		p.write = writeInterface
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
		p.write = writeBytes
	case slice:
		p.write = writeSlice
	case bytes:
		p.write = writeByteArray
	default:
		p.write = writeArray
	}
}

func (pl *planner) compileStruct(p *plan) {
	p.write = writeStruct
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
		field := planField{name: f.name, head: appendString(nil, f.name), index: f.index, omit: f.omitEmpty}
		dot := "."
		if pl.path == "" {
			dot = ""
		}
		pl.within(dot+f.path, func() { field.plan = pl.plan(f.typ) })
		field.zeroer = f.typ.Implements(reflect.TypeFor[interface{ IsZero() bool }]())
		if field.omit && !field.zeroer && (f.typ.Kind() == reflect.Interface || f.typ.Kind() == reflect.Struct && field.plan.library) {
			p.leave() // to find out whether those are empty
			return
		}
		p.omits = p.omits || field.omit
		p.fields = append(p.fields, field)
	}
}

// leavesParts reports whether anything within p is left to the library.
func (p *plan) leavesParts(seen map[*plan]bool) bool {
	if p == nil || seen[p] {
		return false
	}
	seen[p] = true
	if p.library || p.elem.leavesParts(seen) || p.key.leavesParts(seen) {
		return true
	}
	for _, f := range p.fields {
		if f.plan.leavesParts(seen) {
			return true
		}
	}
	return false
}

// encodesItself reports whether the library would look for methods by which a t
// is written or read.
func encodesItself(t reflect.Type) bool {
	for _, method := range msgPackMethods {
		if t.Implements(method) || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(method) {
			return true
		}
	}
	return false
}

var msgPackMethods = append([]reflect.Type{
	reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.CustomDecoder](),
	reflect.TypeFor[msgpack.Marshaler](), reflect.TypeFor[msgpack.Unmarshaler](),
}, byteMethods...)
