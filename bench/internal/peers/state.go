package peers

import (
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// State is what every contender keeps, each in its own way: as a struct, as
// values in a map.
type State struct {
	UserID   string
	Name     string
	Roles    []string
	Cart     []Item
	Theme    string
	LastSeen time.Time
	Counter  int
}

// Item is one line of a cart.
type Item struct {
	SKU string
	Qty int
}

// The users between whom a login switches, and what a read is checked against.
const (
	userA    = "6f1b0e3c-52b8-4d0a-9c56-1b7f4f2c7a11"
	userB    = "c3a9d6f2-07e4-4e5b-8a3d-90be6a1d2f44"
	userName = "Grace Hopper"
)

// otherUser returns whom a login switches to.
func otherUser(id string) string {
	if id == userA {
		return userB
	}
	return userA
}

// Sample returns a state that takes about size bytes as MessagePack. What makes
// it large is a cart of many items, which every codec has to walk through,
// rather than one long string.
func Sample(size int) State {
	state := State{
		UserID:   userA,
		Name:     userName,
		Roles:    []string{"customer", "editor", "beta"},
		Theme:    "dark",
		LastSeen: time.UnixMilli(1_790_000_000_123).UTC(),
		Counter:  1,
	}
	const rest, item = 130, 21 // bytes of MessagePack
	for i := range max(3, (size-rest)/item) {
		state.Cart = append(state.Cart, Item{SKU: fmt.Sprintf("SKU-%05d", i), Qty: i%9 + 1})
	}
	return state
}

// reader is a type that holds a State: the type that a codec encodes by
// reflection, or the one that has methods for it.
type reader interface{ read() State }

// holder is a pointer to it.
type holder[T reader] interface {
	*T
	state() *State
}

func (s State) read() State    { return s }
func (s *State) state() *State { return s }

// MethodState is a State with hand-written codec methods, as msgpack's
// documentation has them for types where speed matters: an array of the fields.
type MethodState struct{ State }

func (s *MethodState) state() *State { return &s.State }

// EncodeMsgpack implements [msgpack.CustomEncoder].
func (s *MethodState) EncodeMsgpack(enc *msgpack.Encoder) error {
	_ = enc.EncodeArrayLen(7)
	_ = enc.EncodeString(s.UserID)
	_ = enc.EncodeString(s.Name)
	_ = enc.EncodeArrayLen(len(s.Roles))
	for _, role := range s.Roles {
		_ = enc.EncodeString(role)
	}
	_ = enc.EncodeArrayLen(2 * len(s.Cart))
	for i := range s.Cart {
		_ = enc.EncodeString(s.Cart[i].SKU)
		_ = enc.EncodeInt(int64(s.Cart[i].Qty))
	}
	_ = enc.EncodeString(s.Theme)
	_ = enc.EncodeTime(s.LastSeen)
	return enc.EncodeInt(int64(s.Counter)) // all write to memory, and cannot fail
}

// DecodeMsgpack implements [msgpack.CustomDecoder].
func (s *MethodState) DecodeMsgpack(dec *msgpack.Decoder) error {
	d := decoding{dec: dec}
	if n := d.length(); d.err == nil && n != 7 {
		return fmt.Errorf("state of %d fields, want 7", n)
	}
	s.UserID, s.Name = d.text(), d.text()
	s.Roles = make([]string, d.length())
	for i := range s.Roles {
		s.Roles[i] = d.text()
	}
	s.Cart = make([]Item, d.length()/2)
	for i := range s.Cart {
		s.Cart[i] = Item{SKU: d.text(), Qty: d.number()}
	}
	s.Theme = d.text()
	if d.err == nil {
		s.LastSeen, d.err = dec.DecodeTime()
	}
	s.Counter = d.number()
	return d.err
}

// decoding remembers the first error, after which it decodes nothing.
type decoding struct {
	dec *msgpack.Decoder
	err error
}

func (d *decoding) text() (s string) {
	if d.err == nil {
		s, d.err = d.dec.DecodeString()
	}
	return s
}

func (d *decoding) number() (n int) {
	if d.err == nil {
		n, d.err = d.dec.DecodeInt()
	}
	return n
}

// length decodes the length of an array, bounded since nothing else bounds what
// is allocated for it.
func (d *decoding) length() (n int) {
	if d.err == nil {
		n, d.err = d.dec.DecodeArrayLen()
	}
	if d.err == nil && (n < 0 || n > 1<<16) {
		d.err = fmt.Errorf("array of %d", n)
	}
	if d.err != nil {
		return 0
	}
	return n
}
