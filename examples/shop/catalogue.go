package main

import "fmt"

// Product is something that the shop sells. Its picture is static/{ID}.svg.
type Product struct {
	ID    string
	Name  string
	About string
	Price Cents
}

// catalogue is what the shop sells, in the order of the shelf.
var catalogue = []Product{
	{"mug", "Morning mug", "Holds a generous coffee and keeps it warm.", 2400},
	{"bowl", "Noodle bowl", "Wide and deep, with a foot to hold it by.", 3200},
	{"vase", "Bud vase", "For the one stem you picked on the way home.", 2850},
	{"teapot", "Teapot for two", "Pours without a drip. Seven tries went into that.", 6400},
	{"plates", "Supper plates", "A stack of three, glazed to the rim.", 5400},
	{"planter", "Herb planter", "Comes with its saucer, and with basil.", 3650},
}

// product finds a product by its ID.
func product(id string) (Product, bool) {
	for _, p := range catalogue {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

// Cents is an amount of money. Integers, because sums of prices have to be exact.
type Cents int64

// String returns the amount in dollars.
func (c Cents) String() string { return fmt.Sprintf("$%d.%02d", c/100, c%100) }

// Bill is a cart with its prices.
type Bill struct {
	Rows     []Row
	Items    int
	Subtotal Cents
	Discount Cents
	Total    Cents
}

// Row is one line of a bill.
type Row struct {
	Product
	Quantity int
	Sum      Cents
}

// bill prices the cart of st. What the shop has ceased to sell is left out.
func bill(st *State) Bill {
	var b Bill
	for _, line := range st.Cart {
		p, ok := product(line.Product)
		if !ok {
			continue
		}
		row := Row{p, line.Quantity, p.Price * Cents(line.Quantity)}
		b.Rows = append(b.Rows, row)
		b.Items += row.Quantity
		b.Subtotal += row.Sum
	}
	b.Discount = b.Subtotal * Cents(st.Discount) / 100 // rounded in the shop's favour
	b.Total = b.Subtotal - b.Discount
	return b
}
