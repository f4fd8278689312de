package codec_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/typedsession/typedsession/codec"
)

// Name was one string and is two. Records of either kind are in the store.
func ExampleMigrate() {
	type V1 struct{ Name string }
	type V2 struct{ First, Last string }
	toV2 := func(old V1) (V2, error) {
		first, last, _ := strings.Cut(old.Name, " ")
		return V2{first, last}, nil
	}
	v1 := codec.MsgPack[V1]()
	v2 := codec.Migrate(v1, toV2, codec.MsgPack[V2]())

	old, err := v1.Append(nil, &V1{"Ada Lovelace"})
	if err != nil {
		panic(err)
	}
	var state V2
	err = v2.Decode(old, &state)
	fmt.Printf("%+v %v\n", state, err)

	// After a roll-back the older program says what it has found.
	data, err := v2.Append(nil, &state)
	if err != nil {
		panic(err)
	}
	var rolledBack V1
	fmt.Println(v1.Decode(data, &rolledBack))
	// Output:
	// {First:Ada Last:Lovelace} <nil>
	// codec: data is migrated (format 4), want MessagePack (format 1)
}

// The last states of the first version have expired, and its type is to go. Its
// place in the chain stays, so that the second version is still the second.
func ExampleMigrate_retire() {
	type V2 struct{ First, Last string }
	type V3 struct{ Names []string }
	retired := func(struct{}) (V2, error) {
		return V2{}, errors.New("version 1 is retired")
	}
	toV3 := func(old V2) (V3, error) {
		return V3{[]string{old.First, old.Last}}, nil
	}
	v2 := codec.Migrate(codec.MsgPack[struct{}](), retired, codec.MsgPack[V2]())
	v3 := codec.Migrate(v2, toV3, codec.MsgPack[V3]())

	data, err := v2.Append(nil, &V2{"Ada", "Lovelace"})
	if err != nil {
		panic(err)
	}
	var state V3
	err = v3.Decode(data, &state)
	fmt.Println(state.Names, err)
	// Output: [Ada Lovelace] <nil>
}

// Name was one string and is two, and several processes share the store. In the
// first step all of them are restarted with a program that knows both versions
// and writes the old one.
func ExamplePrepareMigrate() {
	type V1 struct{ Name string }
	type V2 struct{ First, Last string }
	toV2 := func(old V1) (V2, error) {
		first, last, _ := strings.Cut(old.Name, " ")
		return V2{first, last}, nil
	}
	toV1 := func(v V2) (V1, error) { return V1{v.First + " " + v.Last}, nil }

	before := codec.MsgPack[V1]()
	step1 := codec.PrepareMigrate(before, toV2, codec.MsgPack[V2](), toV1)
	step2 := codec.Migrate(before, toV2, codec.MsgPack[V2]())

	// During the first step, the old program reads what the new one writes.
	data, err := step1.Append(nil, &V2{"Ada", "Lovelace"})
	if err != nil {
		panic(err)
	}
	var old V1
	err = before.Decode(data, &old)
	fmt.Printf("%+v %v\n", old, err)

	// During the second, the program of the first step does.
	data, err = step2.Append(nil, &V2{"Ada", "Lovelace"})
	if err != nil {
		panic(err)
	}
	var state V2
	err = step1.Decode(data, &state)
	fmt.Printf("%+v %v\n", state, err)
	// Output:
	// {Name:Ada Lovelace} <nil>
	// {First:Ada Last:Lovelace} <nil>
}
