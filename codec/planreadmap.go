package codec

import "reflect"

func readStruct(p *plan, d *decoder, v reflect.Value) error {
	if d.i < len(d.data) {
		if c := d.data[d.i]; c&0xf0 == 0x90 || c == 0xdc || c == 0xdd {
			return p.readPositions(d, v)
		}
	}
	n, err := d.mapLen()
	if err != nil {
		return err
	}
	if n <= 0 {
		if n < 0 {
			v.SetZero()
		}
		return nil
	}
	if err := d.enter(); err != nil {
		return err
	}
	for i := range n {
		f, err := p.nextField(d, i)
		switch {
		case err != nil:
		case f == nil:
			err = d.skip()
		default:
			err = f.plan.read(f.plan, d, f.of(v))
		}
		if err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

// nextField reads a name and returns the field that is read from under it, or
// nil. Mostly it is the one that was written there.
func (p *plan) nextField(d *decoder, i int) (*planField, error) {
	n, err := d.bytesLen()
	if err != nil {
		return nil, err
	}
	name, err := d.take(max(n, 0))
	if err != nil {
		return nil, err
	}
	if i < len(p.fields) {
		if f := &p.fields[i]; f.first && f.name == string(name) {
			return f, nil
		}
	}
	return p.byName[string(name)], nil
}

// readPositions reads a struct that is an array, without names.
func (p *plan) readPositions(d *decoder, v reflect.Value) error {
	n, err := d.arrayLen()
	switch {
	case err != nil:
		return err
	case n == 0:
		v.SetZero()
		return nil
	case n != len(p.fields):
		return fault("msgpack: number of fields in array-encoded struct has changed")
	}
	if err := d.enter(); err != nil {
		return err
	}
	for i := range p.fields {
		f := &p.fields[i]
		if err := f.plan.read(f.plan, d, f.of(v)); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

func readMap(p *plan, d *decoder, v reflect.Value) error {
	n, err := d.mapLen()
	if err != nil {
		return err
	}
	if n < 0 {
		v.SetZero()
		return nil
	}
	if v.IsNil() || p.replaced {
		v.Set(reflect.MakeMapWithSize(p.typ, n))
	}
	if n == 0 {
		return nil
	}
	if err := d.enter(); err != nil {
		return err
	}
	key, value := reflect.New(p.key.typ).Elem(), reflect.New(p.elem.typ).Elem()
	for range n {
		key.SetZero()
		if err := p.key.read(p.key, d, key); err != nil {
			return err
		}
		value.SetZero()
		if err := p.elem.read(p.elem, d, value); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	d.depth--
	return nil
}

// mapReaders are of the maps that states mostly have.
var mapReaders = map[[2]reflect.Type]func(*plan, *decoder, reflect.Value) error{
	mapKey[string](): readStringMap((*decoder).string),
	mapKey[bool]():   readStringMap((*decoder).bool),
	mapKey[int](): readStringMap(func(d *decoder) (int, error) {
		n, err := d.integer("int64")
		return int(n), err
	}),
	mapKey[int64](): readStringMap(func(d *decoder) (int64, error) {
		n, err := d.integer("int64")
		return int64(n), err
	}),
}

func readStringMap[V any](value func(*decoder) (V, error)) func(*plan, *decoder, reflect.Value) error {
	plain := reflect.TypeFor[map[string]V]()
	return func(p *plan, d *decoder, v reflect.Value) error {
		n, err := d.mapLen()
		if err != nil {
			return err
		}
		if n < 0 {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.ValueOf(make(map[string]V, n)).Convert(p.typ))
		}
		if n > 0 && d.depth == maxDepth {
			return errDepth
		}
		m := v.Convert(plain).Interface().(map[string]V)
		for range n {
			key, err := d.string()
			if err != nil {
				return err
			}
			if m[key], err = value(d); err != nil {
				return err
			}
		}
		return nil
	}
}
