package browser_test

import "testing"

func TestCartLastsAcrossReloadsAndTabs(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shop) {
		one := s.visitor()
		if n := len(one.cookies()); n != 0 {
			t.Errorf("a visitor who only looks has %d cookies", n)
		}
		two := one.another()
		one.buy("mug")
		one.reload()
		one.wants("Cart1")
		two.open("/cart")
		two.wants("Morning mug", "$24.00")
		two.buy("vase")
		one.reload()
		one.wants("Cart2")
		one.open("/cart")
		one.wants("Morning mug", "Bud vase", "$52.50")
		one.cookie()
	})
}
