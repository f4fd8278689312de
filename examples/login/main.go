// Login is a site with a login form. Start it, open http://localhost:8080, and
// sign in as alice with the password "wonderland":
//
//	go run -C examples ./login
package main

import (
	"html/template"
	"log"
	"net/http"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// State is what the site keeps for one visitor between two requests.
type State struct {
	User  string // "" until the visitor has signed in
	Flash string // a message that the next page shows once
}

func main() {
	// The key makes the cookies. Keep one, for instance by session.ParseKey, if
	// the sessions are kept longer than this process lives.
	handler, err := New(session.NewKey())
	if err != nil {
		log.Fatal(err)
	}
	log.Println("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", handler))
}

// New returns the site.
func New(key session.Key) (http.Handler, error) {
	manager, err := session.NewManager(memory.New(), session.Config[State]{
		Keys:         []session.Key{key},
		Subject:      func(st *State) string { return st.User },
		LoginHandler: http.RedirectHandler("/login", http.StatusSeeOther),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", manager.RequireSubject(http.HandlerFunc(home)))
	mux.HandleFunc("GET /login", loginForm)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /logout", logout)
	// Wrap saves the session of each request before its response begins. The
	// protection in front of it refuses forms that other sites send.
	return http.NewCrossOriginProtection().Handler(manager.Wrap(mux)), nil
}

func home(w http.ResponseWriter, r *http.Request) {
	show(w, r, http.StatusOK, "")
}

func loginForm(w http.ResponseWriter, r *http.Request) {
	show(w, r, http.StatusOK, "")
}

func login(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("name")
	if !authenticate(name, r.PostFormValue("password")) {
		show(w, r, http.StatusUnprocessableEntity, "The name or the password is wrong.")
		return
	}
	// The cookie from before the login is worthless from now on.
	session.From[State](r.Context()).Login(func(st *State) {
		*st = State{User: name, Flash: "Welcome!"}
	})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request) {
	s := session.From[State](r.Context())
	s.Destroy()
	// This starts another session, which holds nothing but the message.
	s.Update(func(st *State) { st.Flash = "You have signed out." })
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// authenticate stands for a table of users. A site compares with a hash of the
// password, made by bcrypt or argon2.
func authenticate(name, password string) bool {
	return name == "alice" && password == "wonderland"
}

// show writes the page, with the flash message if there is no other one.
func show(w http.ResponseWriter, r *http.Request, status int, message string) {
	s := session.From[State](r.Context())
	if message == "" {
		message = session.Take(s, func(st *State) *string { return &st.Flash })
	}
	w.WriteHeader(status)
	err := page.Execute(w, map[string]string{"User": s.State().User, "Message": message})
	if err != nil {
		log.Print(err)
	}
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<title>Login</title>
{{with .Message}}<p role="status">{{.}}</p>{{end}}
{{if .User}}
<p>You are signed in as {{.User}}.</p>
<form method="post" action="/logout"><button>Sign out</button></form>
{{else}}
<form method="post" action="/login">
<label>Name <input name="name" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button>
</form>
{{end}}
`))
