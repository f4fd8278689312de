// Events is a page with a stream of server-sent events that ends with the
// session. Start it, open http://localhost:8080 in two browsers, sign in, and
// sign out everywhere in one of them: the stream of the other one ends at once.
//
//	go run -C examples ./events
package main

import (
	"fmt"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// State is what the site keeps for one visitor between two requests.
type State struct {
	User string
}

func main() {
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
		Keys:    []session.Key{key},
		Subject: func(st *State) string { return st.User },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", login)
	mux.Handle("POST /signout", manager.RequireSubject(signOutEverywhere(manager)))
	mux.Handle("GET /events", manager.RequireSubject(http.HandlerFunc(events)))
	return http.NewCrossOriginProtection().Handler(manager.Wrap(mux)), nil
}

// login signs everybody in as the same user: examples/login has the form.
func login(w http.ResponseWriter, r *http.Request) {
	session.From[State](r.Context()).Login(func(st *State) { st.User = "alice" })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func signOutEverywhere(manager *session.Manager[State]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := session.From[State](r.Context()).State().User
		if _, err := manager.RevokeSubject(r.Context(), user); err != nil {
			log.Print(err)
			http.Error(w, "please try again", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// events sends the time every second until the browser leaves or the session
// ends. A response that is under way brings no cookie again: without Watch it
// would go on after the user has signed out.
func events(w http.ResponseWriter, r *http.Request) {
	ctx := session.From[State](r.Context()).Watch(r.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for now := time.Now(); ; {
		fmt.Fprintf(w, "data: %s\n\n", now.Format(time.TimeOnly))
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case now = <-ticks.C:
		case <-ctx.Done():
			fmt.Fprint(w, "event: ended\ndata: signed out\n\n")
			return
		}
	}
}

func home(w http.ResponseWriter, r *http.Request) {
	if err := page.Execute(w, session.From[State](r.Context()).State()); err != nil {
		log.Print(err)
	}
}

var page = template.Must(template.New("").Parse(`<!doctype html>
<title>Events</title>
{{if .User}}
<p>You are signed in as {{.User}}. It is <output></output>.</p>
<form method="post" action="/signout"><button>Sign out everywhere</button></form>
<script>
const events = new EventSource("/events");
events.onmessage = (e) => { document.querySelector("output").value = e.data; };
events.addEventListener("ended", () => { events.close(); location.reload(); });
</script>
{{else}}
<form method="post" action="/login"><button>Sign in</button></form>
{{end}}
`))
