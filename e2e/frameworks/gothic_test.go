package frameworks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/markbates/goth"
	"github.com/markbates/goth/gothic"
	"github.com/markbates/goth/providers/faux"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// member is the state of an application whose users log in by gothic.
type member struct {
	UserID string
	Cart   []string
	OAuth  map[string]string // gothic's, while a login is under way
}

// TestGothicLogin logs a visitor in through gothic, whose values are in the
// session of the application, and keeps the visitor's cart.
func TestGothicLogin(t *testing.T) {
	goth.UseProviders(&faux.Provider{})
	gothic.Store = sessionStore[member]{func(st *member) *map[string]string { return &st.OAuth }}
	gothic.GetProviderName = func(*http.Request) (string, error) { return "faux", nil }
	m, err := session.NewManager(memory.New(), session.Config[member]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(st *member) string { return st.UserID },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		session.From[member](r.Context()).Update(func(st *member) { st.Cart = append(st.Cart, "mug") })
	})
	mux.HandleFunc("/login", gothic.BeginAuthHandler)
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		user, err := gothic.CompleteUserAuth(w, r) // which calls gothic.Logout at its end
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		session.From[member](r.Context()).Login(func(st *member) { st.UserID = user.UserID })
	})
	mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
		st := session.From[member](r.Context()).State()
		fmt.Fprintf(w, "%s %v %d", st.UserID, st.Cart, len(st.OAuth))
	})
	srv := httptest.NewTLSServer(m.Wrap(mux))
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	get := func(path string, want int) (http.Header, string) {
		t.Helper()
		response, err := client.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != want {
			t.Fatalf("GET %s: %s %s, %v; want %d", path, response.Status, body, err, want)
		}
		return response.Header, string(body)
	}
	// begin begins a login, and returns where the provider sends the visitor.
	begin := func() string {
		t.Helper()
		header, _ := get("/login", http.StatusTemporaryRedirect)
		provider, err := url.Parse(header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return "/callback?" + url.Values{"state": {provider.Query().Get("state")}}.Encode()
	}

	get("/add", http.StatusOK)
	begin()
	get("/callback?state=forged", http.StatusForbidden)
	get(begin(), http.StatusOK)
	if _, got := get("/who", http.StatusOK); got != "id [mug] 0" {
		t.Errorf("the visitor is %q, want the user, with the cart, and nothing of gothic", got)
	}
}
