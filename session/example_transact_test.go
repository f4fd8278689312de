package session_test

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/typedsession/typedsession/session"
)

// However many requests arrive at once, one of them redeems the coupon.
func ExampleSession_Transact() {
	manager := newExample()
	errUsed := errors.New("this coupon was used before")
	redeem := manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		err := s.Transact(r.Context(), func(v *Visit) error {
			if v.Coupons["WELCOME"] {
				return errUsed
			}
			v.Coupons = map[string]bool{"WELCOME": true}
			return nil
		})
		switch {
		case errors.Is(err, errUsed):
			fmt.Fprintln(w, err)
		case err != nil:
			http.Error(w, "Try again later.", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(w, "redeemed")
		}
	})

	browse(redeem, "/", "/")
	// Output:
	// redeemed
	// this coupon was used before
}
