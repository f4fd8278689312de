package main

import (
	"crypto/rand"
	"net/http"

	"github.com/typedsession/typedsession/session"
)

// checkoutPage is what the check-out page shows.
type checkoutPage struct {
	User    User
	Bill    Bill
	Note    string
	Arrives string
}

func (sh *shop) showCheckout(w http.ResponseWriter, r *http.Request) {
	st := session.From[State](r.Context()).State()
	user, ok := sh.users.byID(st.UserID)
	b := bill(&st)
	switch {
	case len(b.Rows) == 0:
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	case !ok:
		http.Redirect(w, r, "/login?next=/checkout", http.StatusSeeOther)
	default:
		sh.show(w, r, http.StatusOK, "checkout", "Check out", checkoutPage{user, b, st.Note, st.Arrives})
	}
}

// placeOrder turns the cart into an order. Update is enough, since nothing but
// the state changes: a form that is sent twice at once is applied the second
// time to a cart that the first has emptied. The number is drawn outside,
// because the function may be applied more than once. A shop that charges a
// card would decide with Transact first.
func (sh *shop) placeOrder(w http.ResponseWriter, r *http.Request, s *session.Session[State], _ User) {
	number := rand.Text()[:10]
	s.Update(func(st *State) {
		b := bill(st)
		if b.Items == 0 {
			return
		}
		st.Order = Order{Number: number, Items: b.Items, Total: b.Total, Arrives: st.Arrives}
		st.Cart, st.Discount, st.Note, st.Arrives = nil, 0, "", ""
	})
	http.Redirect(w, r, "/order", http.StatusSeeOther)
}

func (sh *shop) showOrder(w http.ResponseWriter, r *http.Request) {
	st := session.From[State](r.Context()).State()
	if st.Order.Number == "" {
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
		return
	}
	sh.show(w, r, http.StatusOK, "order", "Thank you", st.Order)
}
