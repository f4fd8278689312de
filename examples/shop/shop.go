package main

import (
	"crypto/rand"
	"embed"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
)

//go:embed templates static
var assets embed.FS

// shop is the web application.
type shop struct {
	pages pages
	store string // where sessions are kept, for the page that tells
}

// newShop returns the shop's handler, which keeps its sessions in store.
func newShop(store session.Store, kind string, key session.Key) (http.Handler, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	sh := &shop{pages: pages, store: kind}
	sessions, err := session.NewManager(store, session.Config[State]{
		Keys: []session.Key{key},

		// Naming who a state belongs to is all that a login has to do against
		// session fixation: when the value changes, the secret is renewed in
		// the same write, and a cookie from before the login is worthless.
		Subject: func(st *State) string { return st.UserID },

		// A cart may wait for a day. Without "remember me" the browser forgets
		// the cookie earlier, when it is closed.
		IdleTimeout:     24 * time.Hour,
		AbsoluteTimeout: 14 * 24 * time.Hour,

		ErrorHandler: sh.sessionError,
	})
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", sh.showCatalogue)
	mux.HandleFunc("GET /cart", sh.showCart)
	mux.HandleFunc("POST /cart", sh.changeCart)
	mux.HandleFunc("POST /cart/add", sh.addToCart)
	mux.HandleFunc("POST /coupon", sh.redeemCoupon)
	mux.HandleFunc("GET /login", sh.showLogin)
	mux.HandleFunc("POST /login", sh.login)
	mux.HandleFunc("POST /logout", sh.logout)
	mux.HandleFunc("GET /checkout", sh.showCheckout)
	mux.HandleFunc("POST /checkout", sh.placeOrder)
	mux.HandleFunc("GET /order", sh.showOrder)
	mux.HandleFunc("GET /session", sh.showSession)
	mux.Handle("GET /static/{file}", static())
	mux.HandleFunc("/", sh.notFound)

	// The handlers find their session in the request's context. A request that
	// never asks for it, for the style sheet say, costs no call of the store.
	var handler http.Handler = sessions.Wrap(mux)

	// The largest form here is a login. Unbounded, it would be read into memory.
	handler = http.MaxBytesHandler(handler, 16<<10)

	// SameSite=Lax keeps the cookie off most requests that other sites forge.
	// This refuses the requests themselves, those of sibling subdomains too.
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(sh.crossOrigin))
	return securityHeaders(origins.Handler(handler)), nil
}

// securityHeaders tells browsers to run no script, to load nothing from
// elsewhere, whatever somebody may have smuggled into a page, and to show the
// shop in nobody's frame.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		// Not no-referrer, with which browsers send "Origin: null" with forms,
		// and browsers without Sec-Fetch-Site would be taken for another origin.
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// static serves the pictures and the style sheet. They change only with the
// program, so one tag of this process tells a browser that its copy is current.
func static() http.Handler {
	tag := `"` + rand.Text() + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache") // ask, but need not load again
		http.ServeFileFS(w, r, assets, "static/"+r.PathValue("file"))
	})
}
