package codec_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// generator makes types and values of them, the same for the same seed.
type generator struct {
	*rand.Rand
	ordered bool // no map of more than one pair where the library orders none
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, seed))}
}

// madeTypes are those that reflect.StructOf cannot make, and those with methods.
var madeTypes = []reflect.Type{
	reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time](), reflect.TypeFor[time.Duration](),
	reflect.TypeFor[any](), reflect.TypeFor[error](), reflect.TypeFor[map[string]any](),
	reflect.TypeFor[map[string]string](), reflect.TypeFor[map[string]bool](), reflect.TypeFor[map[string]int](),
	reflect.TypeFor[outerFirst](), reflect.TypeFor[outerLast](), reflect.TypeFor[twins](), reflect.TypeFor[inlined](),
	reflect.TypeFor[inArray](), reflect.TypeFor[aliasAlone](), reflect.TypeFor[nameOfInlined](), reflect.TypeFor[sameTag](),
	reflect.TypeFor[deep](), reflect.TypeFor[both](), reflect.TypeFor[optional](), reflect.TypeFor[optionalParts](),
	reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.Prefix](), reflect.TypeFor[text](), reflect.TypeFor[*text](),
	reflect.TypeFor[email](), reflect.TypeFor[blob](), reflect.TypeFor[color](), reflect.TypeFor[[]color](),
	reflect.TypeFor[msgpack.RawMessage](), reflect.TypeFor[number](), reflect.TypeFor[chain](), reflect.TypeFor[tree](),
	reflect.TypeFor[struct{}](), reflect.TypeFor[plainMap](), reflect.TypeFor[fuzzTree](), reflect.TypeFor[stamp](),
}

type (
	plainMap map[string]int
	// optional has what may be empty in each way.
	optional struct {
		S string         `msgpack:",omitempty"`
		N int8           `msgpack:"n,omitempty"`
		F float64        `msgpack:",omitempty"`
		B bool           `msgpack:",omitempty"`
		L []int          `msgpack:",omitempty"`
		A [2]int         `msgpack:",omitempty"`
		M map[string]int `msgpack:",omitempty"`
		P *int           `msgpack:",omitempty"`
		T time.Time      `msgpack:",omitempty"`
		D deepest        `msgpack:",omitempty"`
		I item           `msgpack:",omitempty"`
		Z int
	}
	deepest struct {
		X string `msgpack:",omitempty"`
	}
	optionalParts struct {
		Any  any  `msgpack:",omitempty"`
		Text text `msgpack:",omitempty"`
		M    map[string]item
	}
)

var scalarKinds = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](),
	reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](),
	reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](),
}

func pick[V any](g *generator, from []V) V { return from[g.IntN(len(from))] }

// typ returns a type, nested at most depth deep.
func (g *generator) typ(depth int) reflect.Type {
	switch n := g.IntN(12); {
	case depth == 0 || n < 2:
		return pick(g, scalarKinds)
	case n < 5:
		return pick(g, madeTypes)
	case n < 6:
		return reflect.PointerTo(g.typ(depth - 1))
	case n < 8:
		return reflect.SliceOf(g.typ(depth - 1))
	case n < 9:
		return reflect.ArrayOf(g.IntN(4), g.typ(depth-1))
	case n < 10:
		key := pick(g, scalarKinds)
		if g.IntN(2) == 0 {
			key = reflect.TypeFor[string]()
		}
		return reflect.MapOf(key, g.typ(depth-1))
	}
	return g.structType(depth)
}

func (g *generator) structType(depth int) reflect.Type {
	var fields []reflect.StructField
	for _, name := range []string{"A", "B", "C", "D", "E"}[:g.IntN(6)] {
		f := reflect.StructField{Name: name, Type: g.typ(depth - 1)}
		switch g.IntN(8) {
		case 0:
			f.Tag = `msgpack:",omitempty"`
		case 1:
			f.Tag = `msgpack:"renamed,alias:B"`
		case 2:
			f.Tag = `msgpack:"B"`
		case 3:
			f.Tag = `msgpack:"-"`
		}
		fields = append(fields, f)
	}
	if g.IntN(4) == 0 {
		fields = append(fields, reflect.StructField{
			Name: "Base", Type: reflect.TypeFor[Base](), Anonymous: true,
			Tag: pick(g, []reflect.StructTag{"", `msgpack:",inline"`, `msgpack:",noinline"`, `msgpack:"A"`}),
		})
	}
	return reflect.StructOf(fields)
}

var someNumbers = []int64{0, 1, -1, 31, -32, -33, 127, 128, 255, 256, -128, -129, 65535, 65536, -32769, 1 << 31, 1<<32 - 1, 1 << 32, math.MinInt32 - 1, math.MaxInt64, math.MinInt64}

// value returns a value of type t.
func (g *generator) value(t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	g.fill(v, depth)
	return v
}

func (g *generator) fill(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(pick(g, []time.Time{{}, time.Unix(7, 0), time.Unix(1_800_000_000, g.Int64N(1e9)), time.Unix(1<<34, 5), time.Unix(5, 0x81<<22)})))
		return
	case reflect.TypeFor[netip.Addr]():
		v.Set(reflect.ValueOf(pick(g, []netip.Addr{{}, netip.MustParseAddr("::1"), netip.MustParseAddr("10.0.0.1")})))
		return
	case reflect.TypeFor[text]():
		v.Set(reflect.ValueOf(text{pick(g, []string{"", "x"})}))
		return
	case reflect.TypeFor[msgpack.RawMessage]():
		v.SetBytes([]byte{0x91, 0xa1, 'x'})
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.String:
		v.SetString(strings.Repeat("ü", pick(g, []int{0, 1, 15, 16, 127, 128, 200})))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(pick(g, someNumbers))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(pick(g, someNumbers)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(pick(g, []float64{0, 1, -1.5, math.Inf(1), math.Copysign(0, -1)}))
	default:
		g.fillParts(v, depth)
	}
}

func (g *generator) fillParts(v reflect.Value, depth int) {
	t := v.Type()
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if v.Field(i).CanSet() || t.Field(i).Anonymous {
				g.fill(v.Field(i), depth-1)
			}
		}
		return
	}
	if depth <= 0 {
		return
	}
	n := pick(g, []int{0, 1, 2, 3, 17})
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		g.fill(v.Elem(), depth-1)
	case reflect.Interface:
		if t.NumMethod() == 0 && n > 0 {
			v.Set(g.value(g.typ(depth-1), depth-1))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		if g.ordered && !sortedByLibrary(t) {
			n = min(n, 1)
		}
		v.Set(reflect.MakeMap(t))
		for range n {
			v.SetMapIndex(g.value(t.Key(), depth-1), g.value(t.Elem(), depth-1))
		}
	}
}

func sortedByLibrary(t reflect.Type) bool {
	elem := t.Elem()
	return t.Key() == reflect.TypeFor[string]() &&
		(elem == reflect.TypeFor[string]() || elem == reflect.TypeFor[bool]() || elem == reflect.TypeFor[any]())
}
