package attacks_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// TestDoubleSpending redeems one coupon by many requests at once, from two
// processes of the site where the store has several.
func TestDoubleSpending(t *testing.T) {
	errSpent := errors.New("spent")
	redeem := func(w http.ResponseWriter, r *http.Request) {
		err := current(r).Transact(r.Context(), func(st *state) error {
			if st.Coupon {
				return errSpent
			}
			st.Coupon = true
			return nil
		})
		switch {
		case errors.Is(err, errSpent):
			w.WriteHeader(http.StatusGone)
		case errors.Is(err, errors.ErrUnsupported):
			w.WriteHeader(http.StatusNotImplemented)
		case err != nil:
			w.WriteHeader(http.StatusConflict)
		}
	}
	attack := func(t *testing.T, st store.Store) map[int]int {
		mux := pages()
		mux.HandleFunc("/redeem", redeem)
		keys := []session.Key{session.NewKey()}
		with := func(c *config) { c.Keys = keys }
		one, two := serve(t, newManager(t, st, with), mux), serve(t, newManager(t, st, with), mux)
		b := one.login(t, "alice")
		cookie := cookieName + "=" + b.token()
		paths := slices.Repeat([]string{"/redeem"}, 20)
		others := make(chan []reply, 1)
		go func() { others <- two.atOnce(t, cookie, paths...) }()
		statuses := map[int]int{}
		for _, answer := range append(one.atOnce(t, cookie, paths...), <-others...) {
			statuses[answer.status]++
		}
		return statuses
	}
	eachHolding(t, func(t *testing.T, st store.Store) {
		if got := attack(t, st); got[http.StatusOK] != 1 || got[http.StatusGone] != 39 {
			t.Errorf("answers by status: %v, want one 200 and 39 times 410", got)
		}
	})
	t.Run("cookie", func(t *testing.T) {
		if got := attack(t, cookie.New()); got[http.StatusNotImplemented] != 40 {
			t.Errorf("answers by status: %v, want 40 times 501", got)
		}
	})
}

// TestLogoutAmongMany: a thief floods the site with changes while the victim logs
// out. Whatever comes first, the session is gone afterwards, and no answer to the
// thief brings a cookie that opens anything.
func TestLogoutAmongMany(t *testing.T) {
	eachHolding(t, func(t *testing.T, st store.Store) {
		s := newSite(t, st)
		for range 5 {
			victim := s.login(t, "victim")
			cookie := cookieName + "=" + victim.token()
			paths := slices.Repeat([]string{"/count", "/note?text=x", "/read", "/renew"}, 10)
			stolen := make(chan []reply, 1)
			go func() { stolen <- s.atOnce(t, cookie, paths...) }()
			if _, err := s.manager.RevokeSubject(t.Context(), "victim"); err != nil {
				t.Fatal(err)
			}
			for _, answer := range <-stolen {
				token := answer.setCookie(cookieName)
				if token == "" || token == "expired" {
					continue
				}
				if got := s.ask(t, "/read", cookieName+"="+token).state(t); got.User != "" {
					t.Errorf("the thief's answer opens %+v", got)
				}
			}
			if got := victim.get(t, "/read").state(t); got.User != "" {
				t.Errorf("the session lives: %+v", got)
			}
		}
	})
}

// TestNobodySeesAnothersSession: many users at once, with strangers who bring
// garbage among them, in a process that uses memory again. Each sees and changes
// nothing but their own.
func TestNobodySeesAnothersSession(t *testing.T) {
	eachStore(t, func(t *testing.T, st store.Store) {
		s := newSite(t, st, func(c *config) { c.SealRecords = true })
		var wg sync.WaitGroup
		for i := range 20 {
			user := strings.Repeat(string(rune('a'+i)), 3+7*i)
			token := s.login(t, user).token()
			wg.Go(func() {
				for range 30 {
					for cookie, want := range map[string]string{token: user, token[1:]: "", token + token: ""} {
						answer, err := s.try(t.Context(), "/read", http.Header{"Cookie": {cookieName + "=" + cookie}})
						if err != nil {
							t.Error(err)
							return
						}
						if !strings.HasPrefix(answer.body, `{"User":"`+want+`",`) {
							t.Errorf("%q is shown %s", want, answer.body)
						}
					}
				}
			})
		}
		wg.Wait()
	})
}
