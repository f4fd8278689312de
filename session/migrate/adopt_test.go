package migrate_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/session/migrate"
	"github.com/typedsession/typedsession/store/memory"
)

type state struct{ UserID, Note string }

func newManager(t *testing.T, st *memory.Store) *session.Manager[state] {
	t.Helper()
	m, err := session.NewManager(st, session.Config[state]{
		Keys:    []session.Key{session.NewKey()},
		Subject: func(s *state) string { return s.UserID },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newAdopter returns an Adopter of old sessions that are user names in a cookie.
func newAdopter(t *testing.T) *migrate.Adopter[state] {
	t.Helper()
	st := memory.New()
	return &migrate.Adopter[state]{
		Manager: newManager(t, st), Marks: st, Cookie: "old", Lifetime: time.Hour,
		Read: func(r *http.Request) (func(*session.Session[state]), error) {
			c, err := r.Cookie("old")
			if err != nil || c.Value == "" {
				return nil, err
			}
			return func(s *session.Session[state]) {
				s.Update(func(st *state) { st.UserID, st.Note = c.Value, st.Note+"adopted" })
			}, nil
		},
		End: migrate.ExpireCookie(http.Cookie{Name: "old", Path: "/"}),
	}
}

func TestWrapPanicsIfAFieldIsWrong(t *testing.T) {
	for field, spoil := range map[string]func(*migrate.Adopter[state]){
		"Manager":  func(a *migrate.Adopter[state]) { a.Manager = nil },
		"Marks":    func(a *migrate.Adopter[state]) { a.Marks = nil },
		"Cookie":   func(a *migrate.Adopter[state]) { a.Cookie = "" },
		"Lifetime": func(a *migrate.Adopter[state]) { a.Lifetime = 0 },
		"Read":     func(a *migrate.Adopter[state]) { a.Read = nil },
		"End":      func(a *migrate.Adopter[state]) { a.End = nil },
	} {
		t.Run(field, func(t *testing.T) {
			a := newAdopter(t)
			spoil(a)
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "migrate: Adopter."+field+" is ") {
					t.Errorf("Wrap panics with %q", text)
				}
			}()
			a.Wrap(http.NotFoundHandler())
		})
	}
}

func TestOldSessionDoesNotReplaceALogin(t *testing.T) {
	a := newAdopter(t)
	handler := a.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From[state](r.Context())
		if r.URL.Path == "/login" {
			s.Login(func(st *state) { st.UserID = "bob" })
		}
		io.WriteString(w, s.State().UserID+":"+s.State().Note)
	}))
	ask := func(path, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	login := ask("/login", "")
	token, _, _ := strings.Cut(login.Header().Get("Set-Cookie"), ";")
	w := ask("/", token+"; old=alice")
	if got := w.Body.String(); got != "bob:" {
		t.Errorf("the session is %q, want bob's as it was", got)
	}
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "old=; Path=/; Max-Age=0") {
		t.Errorf("Set-Cookie is %q, want the old cookie expired", got)
	}
	if got := ask("/", "old=carol").Body.String(); got != "carol:adopted" {
		t.Errorf("the session is %q, want carol's", got)
	}
}

func TestErrorOfReadIsAnError(t *testing.T) {
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(previous) })
	a := newAdopter(t)
	a.Read = func(*http.Request) (func(*session.Session[state]), error) { return nil, errors.New("down at 10.0.0.7") }
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", "old=alice")
	w := httptest.NewRecorder()
	a.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || len(w.Header()["Set-Cookie"]) != 0 || strings.Contains(w.Body.String(), "10.0.0.7") {
		t.Errorf("status %d, header %v, body %q; want a plain 503", w.Code, w.Header(), w.Body)
	}
}
