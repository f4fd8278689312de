package recipes_test

import (
	"cmp"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// Acting is the state of an application whose administrators can act as a user.
type Acting struct {
	UserID string // whose pages are shown
	Actor  string // the administrator, "" if the user is there in person
}

// subject returns who has authenticated, and not whose pages are shown. So the
// session counts as the administrator's: it ends with the administrator's account,
// does not count among the user's sessions, and is as recently authenticated as
// the administrator's login was.
func subject(st *Acting) string { return cmp.Or(st.Actor, st.UserID) }

// impersonate lets an administrator act as a user.
func impersonate(s *session.Session[Acting], user string) {
	s.Update(func(st *Acting) { st.Actor, st.UserID = cmp.Or(st.Actor, st.UserID), user })
	s.Renew() // the session can do other things from now on
}

// resign ends it.
func resign(s *session.Session[Acting]) {
	s.Update(func(st *Acting) {
		if st.Actor != "" {
			st.UserID, st.Actor = st.Actor, ""
		}
	})
	s.Renew()
}

func TestImpersonation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, memory.New(), session.Config[Acting]{Subject: subject, MaxSessionsPerSubject: 1})
		mux := http.NewServeMux()
		mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
			session.From[Acting](r.Context()).Login(func(st *Acting) { *st = Acting{UserID: r.FormValue("user")} })
		})
		mux.HandleFunc("/impersonate", func(_ http.ResponseWriter, r *http.Request) {
			impersonate(session.From[Acting](r.Context()), r.FormValue("user"))
		})
		mux.HandleFunc("/resign", func(_ http.ResponseWriter, r *http.Request) { resign(session.From[Acting](r.Context())) })
		mux.HandleFunc("/who", func(w http.ResponseWriter, r *http.Request) {
			st := session.From[Acting](r.Context()).State()
			fmt.Fprintf(w, "%s by %q", st.UserID, st.Actor)
		})
		mux.Handle("/secret", m.RequireRecentLogin(time.Minute, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		handler := m.Wrap(mux)

		ann, admin := newBrowser(t, handler), newBrowser(t, handler)
		ann.get("/login?user=ann")
		admin.get("/login?user=root")
		time.Sleep(time.Minute)
		admin.get("/impersonate?user=ann")
		admin.get("/who").wants(t, http.StatusOK, `ann by "root"`)
		if got := admin.get("/secret").StatusCode; got != http.StatusForbidden {
			t.Errorf("an impersonation counts as a recent login: %d", got)
		}
		ann.get("/who").wants(t, http.StatusOK, `ann by ""`) // the limit of one does not count it

		admin.get("/impersonate?user=bob")
		admin.get("/who").wants(t, http.StatusOK, `bob by "root"`)
		admin.get("/resign")
		admin.get("/who").wants(t, http.StatusOK, `root by ""`)

		admin.get("/impersonate?user=ann")
		if n, err := m.RevokeSubject(t.Context(), "root"); n != 1 || err != nil {
			t.Errorf("RevokeSubject of the administrator: %d, %v", n, err)
		}
		admin.get("/who").wants(t, http.StatusOK, `by ""`)
		ann.get("/who").wants(t, http.StatusOK, `ann by ""`)
	})
}
