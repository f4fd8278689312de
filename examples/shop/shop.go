package main

import (
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

//go:embed templates static
var assets embed.FS

// shop is the web application.
type shop struct {
	pages    pages
	users    *accounts
	sessions *session.Manager[State]
	carrier  carrier
	store    store.Store
	kind     string          // of the store, for the page that tells
	closing  <-chan struct{} // closed when responses without an end are to end
}

// idleTimeout is for how long a cart waits.
const idleTimeout = 24 * time.Hour

// newShop returns the shop's handler, which keeps its sessions in store.
func newShop(st store.Store, kind string, key session.Key, c carrier, closing <-chan struct{}) (http.Handler, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	sh := &shop{pages: pages, users: newAccounts(), carrier: c, store: st, kind: kind, closing: closing}
	cfg := session.Config[State]{
		Keys: []session.Key{key},

		// With it a user's sessions can be listed and ended. It also protects
		// from session fixation: when the value changes, the secret is renewed
		// in the same write, and a cookie from before the login is worthless.
		Subject: func(st *State) string { return st.UserID },

		// What the account page calls a session.
		Label: func(r *http.Request, _ *State) string { return deviceName(r.UserAgent()) },

		// Without "remember me" the browser forgets the cookie earlier, when it
		// is closed.
		IdleTimeout:     idleTimeout,
		AbsoluteTimeout: 14 * 24 * time.Hour,

		LoginHandler:  http.HandlerFunc(sh.askLogin),
		ReauthHandler: http.HandlerFunc(sh.askPassword),
		ErrorHandler:  sh.sessionError,
	}
	if sh.clientHeld() {
		// A logout has to be noted, or every copy of the cookie would outlive
		// it. These notes end with the process, while the
		// cookies are accepted after a restart: a shop with customers would keep
		// the notes in Redis.
		cfg.Revoker = new(memory.Revoker)
	}
	sh.sessions, err = session.NewManager(st, cfg)
	if err != nil {
		return nil, err
	}

	// The handlers find their session in the request's context. A request that
	// never asks for it, for the style sheet say, costs no call of the store.
	var handler http.Handler = sh.sessions.Wrap(sh.routes())

	// The largest form here is a note, whose characters can take twelve bytes
	// each. Unbounded, it would be read into memory.
	handler = http.MaxBytesHandler(sh.parseForms(handler), 64<<10)

	// SameSite=Lax keeps the cookie off most requests that other sites forge.
	// This refuses the requests themselves, those of sibling subdomains too.
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(sh.crossOrigin))
	return securityHeaders(origins.Handler(handler)), nil
}

// clientHeld reports whether the browsers hold the sessions, and the shop holds
// only notes of those that have been ended.
func (sh *shop) clientHeld() bool {
	_, ok := sh.store.(store.ClientHeld)
	return ok
}

func (sh *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", sh.showCatalogue)
	mux.HandleFunc("GET /cart", sh.showCart)
	mux.HandleFunc("POST /cart", sh.changeCart)
	mux.HandleFunc("POST /cart/add", sh.addToCart)
	mux.HandleFunc("POST /coupon", sh.redeemCoupon)
	mux.HandleFunc("POST /note", sh.changeNote)
	mux.HandleFunc("GET /login", sh.showLogin)
	mux.HandleFunc("POST /login", sh.login)
	mux.HandleFunc("POST /logout", sh.logout)
	mux.HandleFunc("GET /checkout", sh.showCheckout)
	mux.Handle("POST /checkout", sh.member(sh.placeOrder))
	mux.Handle("POST /delivery", sh.member(sh.askCarrier))
	mux.HandleFunc("GET /order", sh.showOrder)
	mux.HandleFunc("GET /session", sh.showSession)
	mux.Handle("GET /account", sh.member(sh.showAccount))
	mux.Handle("POST /account/device", sh.member(sh.signOutDevice))
	mux.Handle("POST /account/others", sh.member(sh.signOutOthers))
	mux.Handle("GET /account/password", sh.fresh(sh.showPassword))
	mux.Handle("POST /account/password", sh.fresh(sh.changePassword))
	mux.Handle("GET /confirm", sh.member(sh.showConfirm))
	mux.HandleFunc("POST /confirm", sh.confirm)
	mux.Handle("GET /clock", sh.member(sh.showClock))
	mux.HandleFunc("GET /clock/events", sh.streamClock)
	mux.Handle("GET /static/{file}", static())
	mux.HandleFunc("GET /", sh.notFound)
	return mux
}

// parseForms refuses a form that is too large or broken. PostFormValue would say
// nothing, and take what is missing for empty.
func (sh *shop) parseForms(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var tooLarge *http.MaxBytesError
		switch err := r.ParseForm(); {
		case errors.As(err, &tooLarge):
			sh.refuse(w, http.StatusRequestEntityTooLarge, "That is too much",
				fmt.Sprintf("A form takes %d bytes at most.", tooLarge.Limit), "/cart")
		case err != nil:
			sh.refuse(w, http.StatusBadRequest, "We could not read that", "Please try again.", "/cart")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// contentSecurity is a Content-Security-Policy. It tells browsers to run no
// script, to load nothing from elsewhere, whatever an attacker may have put into
// a page, and to show the shop in no frame.
const contentSecurity = "default-src 'none'; style-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// securityHeaders puts on every answer what keeps other sites out of it.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		// Not no-referrer, with which browsers send "Origin: null" with forms,
		// and browsers without Sec-Fetch-Site would be taken for another origin.
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// static serves the pictures, the style sheet and the one script. They change
// only with the program, so one tag of this process tells a browser that its
// copy is current.
func static() http.Handler {
	tag := `"` + rand.Text() + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache") // ask, but need not load again
		http.ServeFileFS(w, r, assets, "static/"+r.PathValue("file"))
	})
}
