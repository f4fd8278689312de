// Api is a JSON API whose clients bring a bearer token. Start it, then log in
// and use the token of the answer:
//
//	go run -C examples ./api
//
//	curl -d '{"name":"alice","password":"wonderland"}' localhost:8080/login
//	curl -H "Authorization: Bearer $TOKEN" -d '{"text":"buy tea"}' localhost:8080/notes
//	curl -H "Authorization: Bearer $TOKEN" localhost:8080/notes
//	curl -H "Authorization: Bearer $TOKEN" -X POST localhost:8080/logout
package main

import (
	"encoding/json"
	"log"
	"net/http"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// State is what the server keeps for one client between two requests.
type State struct {
	User  string
	Notes []string
}

func main() {
	handler, err := New(session.NewKey())
	if err != nil {
		log.Fatal(err)
	}
	log.Println("listening on http://localhost:8080")
	log.Fatal(http.ListenAndServe("localhost:8080", handler))
}

// New returns the API.
func New(key session.Key) (http.Handler, error) {
	manager, err := session.NewManager(memory.New(), session.Config[State]{
		Keys:      []session.Key{key},
		Subject:   func(st *State) string { return st.User },
		Transport: session.Bearer(),
	})
	if err != nil {
		return nil, err
	}
	// Without a live token RequireSubject answers 401, with WWW-Authenticate.
	authenticated := func(h http.HandlerFunc) http.Handler { return manager.RequireSubject(h) }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", login)
	mux.Handle("POST /logout", authenticated(logout))
	mux.Handle("GET /notes", authenticated(listNotes))
	mux.Handle("POST /notes", authenticated(addNote))
	// The largest request is a note.
	return http.MaxBytesHandler(manager.Wrap(mux), 64<<10), nil
}

func login(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name, Password string }
	if !read(w, r, &body) {
		return
	}
	if !authenticate(body.Name, body.Password) {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	s := session.From[State](r.Context())
	s.Login(func(st *State) { st.User = body.Name })
	token, err := s.Token(r.Context())
	if err != nil {
		log.Print(err)
		http.Error(w, "please try again", http.StatusServiceUnavailable)
		return
	}
	write(w, http.StatusOK, map[string]string{"token": token})
}

func logout(w http.ResponseWriter, r *http.Request) {
	session.From[State](r.Context()).Destroy()
	w.WriteHeader(http.StatusNoContent)
}

func listNotes(w http.ResponseWriter, r *http.Request) {
	write(w, http.StatusOK, session.From[State](r.Context()).State().Notes)
}

func addNote(w http.ResponseWriter, r *http.Request) {
	var body struct{ Text string }
	if !read(w, r, &body) {
		return
	}
	// If two requests add a note at the same time, both notes are kept.
	session.From[State](r.Context()).Update(func(st *State) {
		st.Notes = append(st.Notes, body.Text)
	})
	w.WriteHeader(http.StatusCreated)
}

// authenticate stands for a table of users. A server compares with a hash of the
// password, made by bcrypt or argon2.
func authenticate(name, password string) bool {
	return name == "alice" && password == "wonderland"
}

func read(w http.ResponseWriter, r *http.Request, body any) bool {
	if err := json.NewDecoder(r.Body).Decode(body); err != nil {
		http.Error(w, "the body is not the JSON that is expected", http.StatusBadRequest)
		return false
	}
	return true
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}
