package session_test

import (
	"net/http"
	"testing"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/cookie"
)

func TestCommit9AnonymousVisitorCostsNothing(t *testing.T) {
	visits := map[string]http.HandlerFunc{
		"no look":        func(http.ResponseWriter, *http.Request) {},
		"read":           func(_ http.ResponseWriter, r *http.Request) { from(r).State() },
		"look around":    func(_ http.ResponseWriter, r *http.Request) { s := from(r); s.ID(); s.IsNew(); s.ExpiresAt() },
		"empty update":   func(_ http.ResponseWriter, r *http.Request) { from(r).Update(func(*state) {}) },
		"update to same": func(_ http.ResponseWriter, r *http.Request) { from(r).Update(func(s *state) { s.Count = 7 }) },
		"there and back": func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			from(r).Update(func(s *state) { s.Count-- })
		},
		"clear":   func(_ http.ResponseWriter, r *http.Request) { from(r).Clear() },
		"renew":   func(_ http.ResponseWriter, r *http.Request) { from(r).Renew() },
		"persist": func(_ http.ResponseWriter, r *http.Request) { from(r).SetPersistent(true) },
		"destroy": func(_ http.ResponseWriter, r *http.Request) { from(r).Destroy() },
		"save": func(_ http.ResponseWriter, r *http.Request) {
			if err := from(r).Save(r.Context()); err != nil {
				panic(err)
			}
		},
		"flash that is not there": func(_ http.ResponseWriter, r *http.Request) {
			session.Take(from(r), func(s *state) *string { return &s.Note })
		},
		"change, then thrown away": func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			from(r).Destroy()
		},
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		for _, eager := range []bool{false, true} {
			st := newJournalStore()
			var name string
			s := serve(newManager(t, st, func(cfg *session.Config[state]) {
				cfg.EagerLoad = eager
				cfg.Initial = func() state { return state{Count: 7, Items: map[string]int{"x": 1}} }
			}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				visits[name](w, r)
				_ = http.NewResponseController(w).Flush()
			})))
			for name = range visits {
				got := s.get("/")
				if ops := st.ops(); ops != "" {
					t.Errorf("%s: the store was asked for %q", name, ops)
				}
				if len(got.Cookies()) > 0 || got.Header.Get("Cache-Control") != "" {
					t.Errorf("%s: header: %v, want no cookie", name, got.Header)
				}
			}
		}
	})
}

// What is no token of ours does not reach the store either, and is not answered
// by a cookie.
func TestCommit9ForgedCookieCostsNoStoreCall(t *testing.T) {
	for _, value := range []string{"", "x", "AAAA", "AZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"} {
		st := newJournalStore()
		b := newBrowserWith(t, map[string]string{"__Host-session": value})
		got := b.do(newManager(t, st), func(_ http.ResponseWriter, r *http.Request) { from(r).State() })
		if ops := st.ops(); ops != "" || len(got.Cookies()) > 0 {
			t.Errorf("%q: the store was asked for %q, header: %v", value, ops, got.Header)
		}
	}
}

// Statuses and methods that have no body have a header all the same.
func TestCommitWhateverTheStatus(t *testing.T) {
	codes := []int{200, 201, 202, 204, 205, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 410, 422, 429, 500, 502, 503}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *site) {
		code := 0
		m := newManager(t, cookie.New())
		s := serve(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			increment(w, r)
			switch {
			case code/100 == 3 && code != http.StatusNotModified:
				http.Redirect(w, r, "/elsewhere", code)
			case code/100 >= 4:
				http.Error(w, "no", code)
			default:
				w.WriteHeader(code)
			}
		})))
		count := 0
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			for _, code = range codes {
				got := s.do(s.request(method, "/", nil))
				count++
				if got.StatusCode != code || !sets(got.Header, "__Host-session") {
					t.Errorf("%s %d: %s with %v", method, code, got.Status, got.Header)
				}
			}
		}
		if n := s.browser().read(m).Count; n != count {
			t.Errorf("Count = %d, want %d", n, count)
		}
	})
}
