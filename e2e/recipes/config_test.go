package recipes_test

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Account is the state of an application whose users have numbers.
type Account struct{ ID int64 }

// accountOf returns the subject of a state. 0 is no user, and must not become
// "0": all visitors would be one subject.
func accountOf(a *Account) string {
	if a.ID == 0 {
		return ""
	}
	return strconv.FormatInt(a.ID, 10)
}

func TestNumbersAsSubjects(t *testing.T) {
	m := newManager(t, memory.New(), session.Config[Account]{Subject: accountOf})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.FormValue("id"), 10, 64)
		if err != nil {
			t.Error(err)
		}
		session.From[Account](r.Context()).Login(func(a *Account) { a.ID = id })
	})
	mux.Handle("/page", m.RequireSubject(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, session.From[Account](r.Context()).State().ID)
	})))
	handler := m.Wrap(mux)
	b := newBrowser(t, handler)
	b.get("/page").wants(t, http.StatusForbidden, "Please log in.")
	b.get(fmt.Sprint("/login?id=", int64(math.MaxInt64)))
	b.get("/page").wants(t, http.StatusOK, "9223372036854775807")
	if n, err := m.RevokeSubject(t.Context(), accountOf(&Account{ID: math.MaxInt64})); n != 1 || err != nil {
		t.Errorf("RevokeSubject: %d, %v", n, err)
	}
	b.get("/page").wants(t, http.StatusForbidden, "Please log in.")
}

func TestNoAbsoluteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New(), session.Config[User]{
			Subject:         userOf,
			IdleTimeout:     30 * 24 * time.Hour,
			AbsoluteTimeout: math.MaxInt64, // 292 years
		})
		b := newBrowser(t, m.Wrap(app()))
		b.get("/login?user=ann")
		for range 100 {
			time.Sleep(29 * 24 * time.Hour)
			b.get("/who").wants(t, http.StatusOK, "ann") // eight years later too
		}
		time.Sleep(30 * 24 * time.Hour)
		b.get("/who").wants(t, http.StatusOK, "")
	})
}
