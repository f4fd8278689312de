package main

import "slices"

// State is all that the shop remembers of a visitor. Declaring it is all the
// work there is: the library encodes it, seals it and keeps it. The zero State
// is a new visitor, who costs neither a record nor a cookie until it changes.
//
// It holds IDs and quantities rather than names and prices, so that a session
// that is days old still shows what the shop sells today.
type State struct {
	UserID     string // who has signed in; "" before a login
	Remember   bool   // "remember me" was ticked when they did
	Cart       []Line // in the order in which things were added
	CouponUsed bool   // stays true: the coupon is good once in a session
	Discount   int    // per cent off the next order
	Note       string // to go into the parcel
	Arrives    string // the day that the carrier has named
	Order      Order  // the last order placed
	Flash      string // a message for the next page, shown once
}

// Line is one product in a cart.
type Line struct {
	Product  string // ID of the product
	Quantity int    // 1 to maxQuantity
}

// Order is what remains of a cart that was bought.
type Order struct {
	Number  string
	Items   int
	Total   Cents
	Arrives string // "" if the carrier was not asked
}

const (
	maxQuantity = 20   // of one product in a cart
	maxNote     = 4000 // characters, about a page
)

// Items returns how many things are in the cart.
func (st *State) Items() int {
	n := 0
	for _, line := range st.Cart {
		n += line.Quantity
	}
	return n
}

// quantity returns how many of a product are in the cart.
func (st *State) quantity(product string) int {
	for _, line := range st.Cart {
		if line.Product == product {
			return line.Quantity
		}
	}
	return 0
}

// setQuantity puts n of a product into the cart; 0 takes the product out. It
// works on a clone because the copies that Session.State has returned are
// shallow: they share the elements of the slice.
func (st *State) setQuantity(product string, n int) {
	st.Cart = slices.Clone(st.Cart)
	at := slices.IndexFunc(st.Cart, func(l Line) bool { return l.Product == product })
	switch {
	case at < 0 && n > 0:
		st.Cart = append(st.Cart, Line{product, n})
	case at >= 0 && n > 0:
		st.Cart[at].Quantity = n
	case at >= 0:
		st.Cart = slices.Delete(st.Cart, at, at+1)
	}
}
