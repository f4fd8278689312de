package main

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

func TestCartLastsAcrossRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		b.send("/cart/add", "/#vase", "product", "vase", "quantity", "2")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		b.get("/cart").wants(t, "Morning mug", "Bud vase", "$48.00", "$57.00", "$105.00")

		b.send("/cart", "/cart", "product", "mug", "quantity", "3")
		b.get("/cart").wants(t, "$72.00", "$129.00")

		b.send("/cart", "/cart", "product", "vase", "quantity", "0")
		b.get("/cart") // shows that it was removed
		cart := b.get("/cart")
		cart.wants(t, "Morning mug", "$72.00")
		cart.lacks(t, "Bud vase")
	})
}

func TestBadQuantityIsRefusedWithAMessage(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		for _, n := range []string{"", "-1", "21", "1.5", "many", "99999999999999999999"} {
			for _, path := range []string{"/cart", "/cart/add"} {
				a := b.post(path, "product", "mug", "quantity", n)
				if a.StatusCode != http.StatusBadRequest {
					t.Errorf("POST %s with quantity %q answered %s, want 400", path, n, a.Status)
				}
				a.wants(t, "Please enter a whole number")
			}
		}
		if a := b.post("/cart/add", "product", "boat", "quantity", "1"); a.StatusCode != http.StatusBadRequest {
			t.Errorf("adding an unknown product answered %s, want 400", a.Status)
		}
		b.get("/cart").wants(t, `name="quantity" value="1"`)
	})
}

func TestCartHoldsNoMoreThanItMay(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "15")
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "15")
		b.get("/cart").wants(t, "up to 20", `name="quantity" value="20"`)
	})
}

// crowd is a store whose first so many loads return only together, so that
// every one of them sees the session before any of them has changed it.
type crowd struct {
	*memory.Store
	missing atomic.Int32
	all     chan struct{}
}

func newCrowd(size int) *crowd {
	c := &crowd{Store: memory.New(), all: make(chan struct{})}
	c.missing.Store(int32(size))
	return c
}

func (c *crowd) Load(ctx context.Context, id store.ID) (store.Record, error) {
	rec, err := c.Store.Load(ctx, id)
	if n := c.missing.Add(-1); n == 0 {
		close(c.all)
	} else if n > 0 {
		select {
		case <-c.all:
		case <-ctx.Done():
		}
	}
	return rec, err
}

// atOnce sends a form from many tabs at once, and counts the answers by status.
func (b *browser) atOnce(tabs int, path string, form url.Values) map[int]int {
	b.t.Helper()
	answers := make(chan int)
	for range tabs {
		req := b.request("POST", path, form)
		go func() {
			res, err := b.client.Do(req)
			if err != nil {
				b.t.Error(err)
				answers <- 0
				return
			}
			res.Body.Close()
			answers <- res.StatusCode
		}()
	}
	count := make(map[int]int)
	for range tabs {
		count[<-answers]++
	}
	return count
}

func TestTabsThatAddAtOnceLoseNothing(t *testing.T) {
	b := openShopOn(t, newCrowd(10), "memory")
	b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1") // one session for all
	got := b.atOnce(10, "/cart/add", url.Values{"product": {"mug"}, "quantity": {"1"}})
	if got[http.StatusSeeOther] != 10 {
		t.Errorf("10 requests were answered with %v, want 303 for all", got)
	}
	b.get("/cart").wants(t, `name="quantity" value="11"`)
}

func TestCouponIsRedeemedOnce(t *testing.T) {
	b := openShopOn(t, newCrowd(50), "memory")
	b.send("/cart/add", "/#bowl", "product", "bowl", "quantity", "1") // one session for all
	got := b.atOnce(50, "/coupon", url.Values{"code": {" welcome10 "}})
	if got[http.StatusSeeOther] != 1 || got[http.StatusConflict] != 49 {
		t.Errorf("50 requests were answered with %v, want 303 once and 409 for the rest", got)
	}
	b.get("/cart").wants(t, "$3.20", "$28.80")
}

func TestCouponIsDeclinedWhereItCannotBeKept(t *testing.T) {
	b := openShop(t, "cookie")
	b.send("/cart/add", "/#bowl", "product", "bowl", "quantity", "1")
	a := b.post("/coupon", "code", couponCode)
	if a.StatusCode != http.StatusNotImplemented {
		t.Errorf("the coupon was answered with %s, want 501", a.Status)
	}
	a.wants(t, "cannot be promised")
	b.get("/cart").wants(t, `class="total">$32.00`)
}

func TestUnknownCouponIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, b *browser) {
		b.send("/cart/add", "/#bowl", "product", "bowl", "quantity", "1")
		a := b.post("/coupon", "code", `<script>`)
		if a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("an unknown coupon was answered with %s, want 422", a.Status)
		}
		a.wants(t, "We do not know this code", "&lt;SCRIPT&gt;")
		a.lacks(t, "<SCRIPT>")
	})
}

// The page promises of a coupon what the store can keep.
func TestCouponPromise(t *testing.T) {
	t.Parallel()
	cart := func(st string) answer {
		b := openShop(t, st)
		b.send("/cart/add", "/#mug", "product", "mug", "quantity", "1")
		page := b.get("/cart")
		page.wants(t, "WELCOME10")
		return page
	}
	const promise = "two tabs cannot both redeem it"
	cart("memory").wants(t, promise)
	cart("cookie").lacks(t, promise)
}
