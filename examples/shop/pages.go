package main

import (
	"bytes"
	"errors"
	"html/template"
	"io/fs"
	"log"
	"net/http"
	"path"
	"strings"

	"github.com/typedsession/typedsession/session"
)

// pages are the templates, by name, each with the frame around it.
type pages map[string]*template.Template

// parsePages parses the templates: a page is templates/{name}.html inside
// templates/frame/layout.html.
func parsePages() (pages, error) {
	frame, err := template.ParseFS(assets, "templates/frame/*.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(assets, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := make(pages)
	for _, file := range files {
		page, err := template.Must(frame.Clone()).ParseFS(assets, file)
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return all, nil
}

// view is what a template is given.
type view struct {
	Title   string
	Path    string   // of the request, so that the navigation can mark its entry
	Visitor *visitor // nil on a page that does not look at the session
	Flash   string
	Body    any // what the page itself shows
}

// visitor is what the frame around a page tells of a session.
type visitor struct {
	Name  string // "" before a login
	Items int
}

// show answers with a page, and with what its visitor is to see on every page.
func (sh *shop) show(w http.ResponseWriter, r *http.Request, code int, page, title string, body any) {
	s := session.From[State](r.Context())
	// Take reads the message and removes it from the session with one update,
	// so that it is shown once. Where there is none nothing is changed, and
	// looking at a page writes nothing.
	flash := session.Take(s, func(st *State) *string { return &st.Flash })
	// Until this request's change is saved, another request may change the cart
	// too. Save before a page shows a count, or it may show one that was never
	// stored.
	if err := s.Save(r.Context()); err != nil {
		sh.sessionError(w, r, err)
		return
	}
	st := s.State()
	user, _ := sh.users.byID(st.UserID)
	// No cache keeps what one visitor sees, nor does the button that goes back
	// after a logout.
	w.Header().Set("Cache-Control", "no-store")
	sh.render(w, code, page, view{
		Title: title, Path: r.URL.Path, Flash: flash, Body: body,
		Visitor: &visitor{Name: user.Name, Items: st.Items()},
	})
}

// render executes a template, all of it before the first byte leaves: a page
// that breaks half-way is an error page, not half a page.
func (sh *shop) render(w http.ResponseWriter, code int, page string, v view) {
	var buf bytes.Buffer
	if err := sh.pages[page].ExecuteTemplate(&buf, "layout.html", v); err != nil {
		log.Printf("shop: page %s: %v", page, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	buf.WriteTo(w) //nolint:errcheck // the client has gone, and there is nothing to answer
}

// fault is what an error page shows.
type fault struct {
	Status  string
	Message string
	Back    string
}

// refuse answers with an error page. It leaves the session alone, so that it
// can be shown when the session is what failed.
func (sh *shop) refuse(w http.ResponseWriter, code int, title, message, back string) {
	sh.render(w, code, "error", view{Title: title, Body: fault{http.StatusText(code), message, back}})
}

func (sh *shop) notFound(w http.ResponseWriter, _ *http.Request) {
	sh.refuse(w, http.StatusNotFound, "There is no such page",
		"It may have moved, or the link may be wrong.", "/")
}

func (sh *shop) crossOrigin(w http.ResponseWriter, _ *http.Request) {
	sh.refuse(w, http.StatusForbidden, "This came from another site",
		"A form on another site tried to act in your name, and was refused.", "/")
}

// sessionError answers instead of a handler when its session could not be
// loaded or saved: nothing that the handler has written leaves, so that no page
// says "in your cart" of something that is not. The session's manager logs the
// cause, which the visitor is not shown.
func (sh *shop) sessionError(w http.ResponseWriter, _ *http.Request, err error) {
	switch {
	case errors.Is(err, session.ErrEnded):
		// A logout in another tab, or on the account page of another device,
		// while this request was running.
		sh.refuse(w, http.StatusConflict, "Your session has ended",
			"It was signed out while we were working on this. What you have just sent was not kept.", "/")
	case errors.Is(err, session.ErrRevoked):
		// The password was changed, or all devices signed out, while this
		// request was checking the old password.
		sh.refuse(w, http.StatusForbidden, "Please sign in again",
			"All devices of this account were signed out while you were signing in.", "/login")
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, session.ErrFull):
		w.Header().Set("Retry-After", "5")
		sh.refuse(w, http.StatusServiceUnavailable, "Back in a moment",
			"We cannot reach your cart just now. Nothing of it is lost.", "/")
	case errors.Is(err, session.ErrTooLarge):
		sh.refuse(w, http.StatusRequestEntityTooLarge, "That is too much to remember",
			"Your cart is as it was, without what you have just sent. Please make it shorter.", "/cart")
	default:
		sh.refuse(w, http.StatusInternalServerError, "Something went wrong",
			"That was our fault, and your cart is as it was.", "/")
	}
}
