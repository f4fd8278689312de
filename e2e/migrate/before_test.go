package migrate_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gorilla/sessions"

	"github.com/typedsession/typedsession/e2e/migrate"
	"github.com/typedsession/typedsession/session"
	adopt "github.com/typedsession/typedsession/session/migrate"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// before is the program as it was, with the library that it leaves. Its paths
// are those of the program that comes after, and answer alike.
type before struct {
	http.Handler
	cookie string
	// persists says that the cookies of all users outlive the browser. gorilla's
	// store is told it once, for all of them.
	persists bool
	down     *atomic.Bool // makes its store fail; nil where it has none
	adopt    func(*session.Manager[migrate.State], store.Store) *adopt.Adopter[migrate.State]
}

// each runs a test once for every library that is left.
func each(t *testing.T, test func(*testing.T, *before)) {
	for name, begin := range map[string]func(testing.TB) *before{
		"scs":                   newSCS,
		"scs with idle timeout": newIdleSCS,
		"gorilla":               newGorilla,
		"gorilla in a browser":  newGorillaInBrowser,
		"manager":               newHeld,
		"manager of cookies":    newCookies,
	} {
		t.Run(name, func(t *testing.T) { test(t, begin(t)) })
	}
}

// failing is an scs store that can be made to fail.
type failing struct {
	scs.Store
	down atomic.Bool
}

func (f *failing) Find(token string) ([]byte, bool, error) {
	if f.down.Load() {
		return nil, false, errDown
	}
	return f.Store.Find(token)
}

func (f *failing) Delete(token string) error {
	if f.down.Load() {
		return errDown
	}
	return f.Store.Delete(token)
}

func newSCS(testing.TB) *before { return newSCSWith(0) }

// newIdleSCS is special in that LoadAndSave then writes every session it loads.
func newIdleSCS(testing.TB) *before { return newSCSWith(time.Hour) }

func newSCSWith(idle time.Duration) *before {
	st := &failing{Store: memstore.NewWithCleanupInterval(0)}
	m := scs.New()
	m.Store, m.IdleTimeout = st, idle
	m.Cookie.Persist = false
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		if err := m.RenewToken(r.Context()); err != nil {
			panic(err)
		}
		m.Put(r.Context(), "userID", r.FormValue("user"))
		if r.FormValue("remember") != "" {
			m.RememberMe(r.Context(), true)
		}
	})
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		cart, _ := m.Get(r.Context(), "cart").([]string)
		m.Put(r.Context(), "cart", append(cart, r.FormValue("item")))
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		cart, _ := m.Get(r.Context(), "cart").([]string)
		fmt.Fprint(w, m.GetString(r.Context(), "userID"), cart)
	})
	return &before{
		Handler: m.LoadAndSave(mux),
		cookie:  m.Cookie.Name,
		down:    &st.down,
		adopt: func(to *session.Manager[migrate.State], marks store.Store) *adopt.Adopter[migrate.State] {
			return migrate.FromSCS(to, marks, m)
		},
	}
}

const gorillaCookie = "shop"

func newGorilla(testing.TB) *before {
	return newGorillaWith(sessions.NewCookieStore(make([]byte, 32)))
}

// newGorillaInBrowser has cookies that last as long as the browser runs, and are
// accepted for ever.
func newGorillaInBrowser(testing.TB) *before {
	st := sessions.NewCookieStore(make([]byte, 32))
	st.MaxAge(0)
	return newGorillaWith(st)
}

func newGorillaWith(st *sessions.CookieStore) *before {
	change := func(w http.ResponseWriter, r *http.Request, fn func(*sessions.Session)) {
		s, err := st.Get(r, gorillaCookie)
		if err != nil {
			panic(err)
		}
		fn(s)
		if err := s.Save(r, w); err != nil {
			panic(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(s *sessions.Session) {
			s.Values["userID"] = r.FormValue("user")
		})
	})
	mux.HandleFunc("/add", func(w http.ResponseWriter, r *http.Request) {
		change(w, r, func(s *sessions.Session) {
			cart, _ := s.Values["cart"].([]string)
			s.Values["cart"] = append(cart, r.FormValue("item"))
		})
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		s, _ := st.Get(r, gorillaCookie)
		user, _ := s.Values["userID"].(string)
		cart, _ := s.Values["cart"].([]string)
		fmt.Fprint(w, user, cart)
	})
	return &before{
		Handler:  mux,
		cookie:   gorillaCookie,
		persists: st.Options.MaxAge > 0,
		adopt: func(to *session.Manager[migrate.State], marks store.Store) *adopt.Adopter[migrate.State] {
			return migrate.FromGorilla(to, marks, st, gorillaCookie, 30*24*time.Hour)
		},
	}
}

// visitor is the state of another Manager, which is left.
type visitor struct {
	Name     string
	Items    []string
	Remember bool
}

// carryVisitor copies a state of that Manager.
func carryVisitor(v visitor) func(*session.Session[migrate.State]) {
	if v.Name == "" && len(v.Items) == 0 {
		return nil
	}
	return func(s *session.Session[migrate.State]) {
		s.Update(func(st *migrate.State) {
			st.UserID = v.Name
			st.Cart = append(st.Cart, v.Items...)
		})
		s.SetPersistent(v.Remember)
	}
}

func newHeld(t testing.TB) *before {
	st := newSpy()
	b := newManagerWith(t, st)
	b.down = &st.down
	return b
}

func newCookies(t testing.TB) *before { return newManagerWith(t, cookie.New()) }

func newManagerWith(t testing.TB, st store.Store) *before {
	m, err := session.NewManager(st, session.Config[visitor]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(v *visitor) string { return v.Name },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		s := session.From[visitor](r.Context())
		s.Update(func(v *visitor) { v.Name, v.Remember = r.FormValue("user"), r.FormValue("remember") != "" })
	})
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		session.From[visitor](r.Context()).Update(func(v *visitor) { v.Items = append(v.Items, r.FormValue("item")) })
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		v := session.From[visitor](r.Context()).State()
		fmt.Fprint(w, v.Name, v.Items)
	})
	return &before{
		Handler: m.Wrap(mux),
		cookie:  "__Host-session",
		adopt: func(to *session.Manager[migrate.State], marks store.Store) *adopt.Adopter[migrate.State] {
			return adopt.FromManager(to, marks, m, "__Host-session", 24*time.Hour, carryVisitor)
		},
	}
}
