package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/typedsession/typedsession/session"
)

func (sh *shop) showCatalogue(w http.ResponseWriter, r *http.Request) {
	sh.show(w, r, http.StatusOK, "catalogue", "Shop", catalogue)
}

// cartPage is what the cart's page shows.
type cartPage struct {
	Bill    Bill
	Max     int
	Note    string
	MaxNote int
	Coupons bool   // they can be redeemed
	Code    string // the coupon code that was refused
	Problem string // why
}

func (sh *shop) showCart(w http.ResponseWriter, r *http.Request) {
	sh.showCartWith(w, r, http.StatusOK, "", "")
}

func (sh *shop) showCartWith(w http.ResponseWriter, r *http.Request, code int, coupon, problem string) {
	st := session.From[State](r.Context()).State()
	sh.show(w, r, code, "cart", "Cart", cartPage{bill(&st), maxQuantity, st.Note, maxNote, !sh.clientHeld(), coupon, problem})
}

// addToCart adds some of a product to what is in the cart.
func (sh *shop) addToCart(w http.ResponseWriter, r *http.Request) {
	p, n, ok := sh.line(w, r, 1)
	if !ok {
		return
	}
	// Two tabs may add at once. Then the later save finds that the session has
	// changed, and this function is applied again, to what the other tab left:
	// so it works on the state that it is given, and does nothing else.
	session.From[State](r.Context()).Update(func(st *State) {
		want := st.quantity(p.ID) + n
		st.setQuantity(p.ID, min(want, maxQuantity))
		st.Flash = p.Name + " is in your cart."
		if want > maxQuantity {
			st.Flash = fmt.Sprintf("%s: we sell up to %d at a time, and they are in your cart.", p.Name, maxQuantity)
		}
	})
	http.Redirect(w, r, "/#"+p.ID, http.StatusSeeOther)
}

// changeCart sets how many of a product are in the cart; 0 removes it.
func (sh *shop) changeCart(w http.ResponseWriter, r *http.Request) {
	p, n, ok := sh.line(w, r, 0)
	if !ok {
		return
	}
	session.From[State](r.Context()).Update(func(st *State) {
		st.setQuantity(p.ID, n)
		st.Flash = "Your cart is up to date."
		if n == 0 {
			st.Flash = p.Name + " is no longer in your cart."
		}
	})
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

// changeNote keeps what is to be written on the card in the parcel. It is by far
// the largest thing in a session. With -store cookie a long one does not fit, and
// the visitor reads so on an error page: browsers drop a cookie over 4096 bytes
// without a word, so the session's manager sends none and reports the error.
func (sh *shop) changeNote(w http.ResponseWriter, r *http.Request) {
	// Browsers send a line break as two characters, and count it as one.
	note := strings.ReplaceAll(strings.TrimSpace(r.PostFormValue("note")), "\r\n", "\n")
	if utf8.RuneCountInString(note) > maxNote {
		sh.refuse(w, http.StatusBadRequest, "That is more than a card holds",
			fmt.Sprintf("Please take %d characters at most.", maxNote), "/cart")
		return
	}
	session.From[State](r.Context()).Update(func(st *State) {
		st.Note = note
		st.Flash = "We will write it on a card."
		if note == "" {
			st.Flash = "There will be no card."
		}
	})
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

// line reads the product and the quantity that a form names. Where they are
// wrong it answers itself, and returns false.
func (sh *shop) line(w http.ResponseWriter, r *http.Request, least int) (Product, int, bool) {
	p, ok := product(r.PostFormValue("product"))
	if !ok {
		sh.refuse(w, http.StatusBadRequest, "We do not sell that", "Please choose something from the shelf.", "/")
		return Product{}, 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue("quantity")))
	if err != nil || n < least || n > maxQuantity {
		sh.refuse(w, http.StatusBadRequest, "That quantity does not work",
			fmt.Sprintf("Please enter a whole number from %d to %d.", least, maxQuantity), "/cart")
		return Product{}, 0, false
	}
	return p, n, true
}

// The coupon is good once in a session. One for each customer would be counted
// in the database of customers, in the same way.
const (
	couponCode     = "WELCOME10"
	couponDiscount = 10 // per cent
)

var errCouponUsed = errors.New("this coupon has been redeemed")

// redeemCoupon redeems the coupon once, however many tabs ask at the same time.
// Update would not do. It changes this request's copy and saves later, so that
// of two requests each could see the coupon unused and promise the discount.
// Transact decides on the state that is stored, and when it returns nil the
// decision is stored too.
func (sh *shop) redeemCoupon(w http.ResponseWriter, r *http.Request) {
	code := strings.ToUpper(strings.TrimSpace(r.PostFormValue("code")))
	if code != couponCode {
		sh.showCartWith(w, r, http.StatusUnprocessableEntity, code, "We do not know this code. Is it spelled right?")
		return
	}
	s := session.From[State](r.Context())
	err := s.Transact(r.Context(), func(st *State) error {
		if st.CouponUsed {
			return errCouponUsed
		}
		st.CouponUsed = true
		st.Discount = couponDiscount
		st.Flash = fmt.Sprintf("%d%% off this order.", couponDiscount)
		return nil
	})
	switch {
	case err == nil:
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	case errors.Is(err, errCouponUsed):
		sh.showCartWith(w, r, http.StatusConflict, code, "You have redeemed this coupon already. It is good once.")
	case errors.Is(err, errors.ErrUnsupported):
		// With -store cookie the browser holds the only copy. A browser that
		// sends an old copy again has an unused coupon again, and nothing here
		// could tell. Rather than pretend, the shop declines.
		sh.showCartWith(w, r, http.StatusNotImplemented, code, "This shop keeps sessions in the browser alone, "+
			"where a code cannot be promised to work only once. Start it with -store memory to redeem coupons.")
	default:
		sh.sessionError(w, r, err)
	}
}
