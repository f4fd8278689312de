package codec_test

import (
	"fmt"
	"strings"

	"github.com/typedsession/typedsession/codec"
)

type Cart struct {
	User  string
	Items []string
}

func ExampleMsgPack() {
	c := codec.MsgPack[Cart]()
	data, err := c.Append(nil, &Cart{User: "ada", Items: []string{"tea"}})
	fmt.Printf("%q %v\n", data, err)

	var cart Cart
	err = c.Decode(data, &cart)
	fmt.Println(cart, err)
	// Output:
	// "\x01\x82\xa4User\xa3ada\xa5Items\x91\xa3tea" <nil>
	// {ada [tea]} <nil>
}

// A field has a new name, a field is new, and a field is gone. Older states are
// read as they are.
func ExampleMsgPack_changedFields() {
	type NewCart struct {
		Email    string
		Customer string `msgpack:"Customer,alias:User"`
	}
	data, err := codec.MsgPack[Cart]().Append(nil, &Cart{User: "ada", Items: []string{"tea"}})
	if err != nil {
		panic(err)
	}
	var cart NewCart
	err = codec.MsgPack[NewCart]().Decode(data, &cart)
	fmt.Printf("%+v %v\n", cart, err)
	// Output: {Email: Customer:ada} <nil>
}

func ExampleJSON() {
	c := codec.JSON[map[string]int]()
	data, err := c.Append(nil, &map[string]int{"visits": 3, "carts": 1})
	fmt.Printf("%q %v\n", data, err)
	// Output: "\x02{\"carts\":1,\"visits\":3}" <nil>
}

func ExampleGob() {
	c := codec.Gob[Cart]()
	data, err := c.Append(nil, &Cart{User: "ada"})
	if err != nil {
		panic(err)
	}
	var cart Cart
	err = c.Decode(data, &cart)
	fmt.Println(data[0], cart.User, err)
	// Output: 3 ada <nil>
}

// Compress is put around the codec of a store that has records already.
func ExampleCompress() {
	before := codec.MsgPack[Cart]()
	c := codec.Compress(before, 0)

	large := Cart{User: "ada", Items: strings.Fields(strings.Repeat("tea ", 200))}
	old, err := before.Append(nil, &large)
	if err != nil {
		panic(err)
	}
	data, err := c.Append(nil, &large)
	fmt.Println(len(old), "bytes become less than 50:", len(data) < 50, err)

	var cart Cart
	err = c.Decode(old, &cart)
	fmt.Println(len(cart.Items), "items in the old record,", err)

	// A limit bounds what a record may decompress to.
	fmt.Println(codec.Compress(before, 500).Decode(data, &cart))
	// Output:
	// 820 bytes become less than 50: true <nil>
	// 200 items in the old record, <nil>
	// codec: compressed state of 820 bytes, limit is 500
}
