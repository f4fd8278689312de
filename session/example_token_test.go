package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/typedsession/typedsession/session"
)

func bearer(cfg *session.Config[Visit]) { cfg.Transport = session.Bearer() }

// A login of an API returns the token in the body of the response.
func ExampleSession_Token() {
	manager := newExample(bearer)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s := manager.From(r.Context())
		s.Login(func(v *Visit) { v.UserID = "alice" })
		token, err := s.Token(r.Context())
		if err != nil {
			http.Error(w, `{"error":"temporarily_unavailable"}`, http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": token, "token_type": "Bearer"})
	})
	mux.Handle("/me", manager.RequireSubject(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"user": manager.From(r.Context()).State().UserID})
	})))
	api := manager.Wrap(mux)

	var login struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(open(api, "/login").Body).Decode(&login); err != nil {
		fmt.Println(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/me", nil)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Println("without a token:", w.Code, w.Header().Get("WWW-Authenticate"))
	r.Header.Set("Authorization", "Bearer "+login.Token)
	w = httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Print("with the token: ", w.Body)
	// Output:
	// without a token: 401 Bearer
	// with the token: {"user":"alice"}
}

// A gRPC server gets the token from the metadata of a call.
func ExampleManager_LoadToken() {
	manager := newExample(bearer)
	token := open(manager.Handle(loginAlice), "/").Header.Get("Authorization")

	ctx := context.Background()
	s, err := manager.LoadToken(ctx, token)
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Update(func(v *Visit) { v.Cart = append(v.Cart, "tea") })
	fmt.Println(s.State().UserID, s.Save(ctx))

	_, err = manager.LoadToken(ctx, "a guess")
	fmt.Println(errors.Is(err, session.ErrNotFound))
	// Output:
	// alice <nil>
	// true
}

func ExampleHeader() {
	manager := newExample(func(cfg *session.Config[Visit]) {
		cfg.Transport = session.Header("Session-Token")
	})
	response := open(manager.Handle(loginAlice), "/")
	fmt.Println(response.Header.Get("Session-Token") != "", len(response.Cookies()))
	// Output: true 0
}

// Authorization is a header of requests. Some clients and proxies drop it from
// responses.
func ExampleTransport_InResponse() {
	manager := newExample(func(cfg *session.Config[Visit]) {
		cfg.Transport = session.Bearer().InResponse("Session-Token")
	})
	response := open(manager.Handle(loginAlice), "/")
	fmt.Println(response.Header.Get("Session-Token")[:7], response.Header.Get("Authorization") == "")
	// Output: Bearer  true
}

// A gateway does not pass the tokens of its visitors on.
func ExampleManager_RemoveToken() {
	manager := newExample()
	cookies := open(manager.Handle(loginAlice), "/").Cookies()
	upstream := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("cookies:", r.Header.Get("Cookie"), "user:", r.Header.Get("X-User"))
	})
	gateway := manager.Handle(func(w http.ResponseWriter, r *http.Request, s *session.Session[Visit]) {
		r = r.Clone(r.Context())
		manager.RemoveToken(r.Header)
		r.Header.Set("X-User", s.State().UserID)
		upstream.ServeHTTP(w, r) // usually a httputil.ReverseProxy
	})

	open(gateway, "/", append(cookies, &http.Cookie{Name: "theme", Value: "dark"})...)
	// Output: cookies: theme=dark user: alice
}
