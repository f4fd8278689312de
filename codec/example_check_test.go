package codec_test

import (
	"fmt"
	"time"

	"github.com/typedsession/typedsession/codec"
)

// The methods of an embedded time become methods of the struct, and write
// nothing but the time.
func ExampleCheck() {
	type Embedded struct {
		time.Time
		UserID string
	}
	type Named struct {
		LoggedIn time.Time
		UserID   string
	}
	fmt.Println(codec.Check(codec.MsgPack[Embedded]()))
	fmt.Println(codec.Check(codec.MsgPack[Named]()))
	// Output:
	// codec: MsgPack would lose a part of codec_test.Embedded: UserID is lost
	// <nil>
}

// A number in an interface comes back in the smallest type that fits.
func ExampleRoundTrip() {
	type State struct{ Prefs map[string]any }
	c := codec.MsgPack[State]()
	fmt.Println(codec.RoundTrip(c, State{map[string]any{"theme": "dark"}}))
	fmt.Println(codec.RoundTrip(c, State{map[string]any{"zoom": 100}}))
	// Output:
	// <nil>
	// codec: MsgPack: codec_test.State: Prefs[value] is changed from int to int8
}
