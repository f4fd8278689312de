package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
)

// graceOfRenewal is how long a superseded secret is taken for a parallel request
// of the same browser.
const graceOfRenewal = 30 * time.Second

// token returns the value of the browser's cookie.
func (b *browser) token() string { return b.cookies["__Host-session"] }

// id returns the ID of the browser's session.
func (g *harness) id() (id session.ID) {
	g.use(func(s *session.Session[state]) { id = s.ID() })
	g.log.kinds()
	return id
}

// serveOne serves one request by a handler that does fn.
func serveOne(m *session.Manager[state], r *http.Request, fn func(*session.Session[state])) *http.Response {
	w := httptest.NewRecorder()
	m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[state]) { fn(s) }).ServeHTTP(w, r)
	return w.Result()
}

func TestSecretIsRenewed(t *testing.T) {
	tests := []struct {
		name   string
		before string
		change func(*session.Session[state])
		want   state
	}{
		{"by a login", "", func(s *session.Session[state]) { s.Update(setUser("alice")) }, state{User: "alice", Count: 1}},
		{"by a logout", "alice", func(s *session.Session[state]) { s.Update(setUser("")) }, state{Count: 1}},
		{"by a logout that clears", "alice", (*session.Session[state]).Clear, state{}},
		{"by a change of user", "alice", func(s *session.Session[state]) { s.Update(setUser("bob")) }, state{User: "bob", Count: 1}},
		{"on demand", "alice", (*session.Session[state]).Renew, state{User: "alice", Count: 1}},
		{"on demand, anonymously", "", (*session.Session[state]).Renew, state{Count: 1}},
		{"by a confirmed password", "alice", func(s *session.Session[state]) { s.Login(nil) }, state{User: "alice", Count: 1}},
		{"by a login of the same user", "alice", func(s *session.Session[state]) { s.Login(setUser("alice")) }, state{User: "alice", Count: 1}},
		{"by a transaction", "", func(s *session.Session[state]) {
			_ = s.Transact(t.Context(), func(st *state) error { st.User = "alice"; return nil })
		}, state{User: "alice", Count: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t)
			g.update(func(s *state) { s.User, s.Count = test.before, 1 })
			old, id := g.anotherTab(), g.id()
			var status session.Status
			response := g.use(func(s *session.Session[state]) {
				test.change(s)
				_ = s.Save(t.Context())
				status = s.Status()
			})
			g.log.want(t, "loaded", "renewed")
			if status != session.StatusRenewed {
				t.Errorf("status %v", status)
			}
			if cookieChange(response) != "set" || g.token() == old.token() {
				t.Errorf("cookie %q, changed %v", cookieChange(response), g.token() != old.token())
			}
			if g.id() != id {
				t.Error("the ID has changed")
			}
			if diff := cmp.Diff(test.want, g.state()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			// Whoever planted the old token has nothing of the session.
			if diff := cmp.Diff(state{}, old.state()); diff != "" {
				t.Errorf("state of the old token (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnchangedSubjectRenewsNothing(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	g.log.kinds()
	response := g.update(func(s *state) { s.User = "alice"; s.Count++ })
	g.log.want(t, "loaded", "saved")
	if cookieChange(response) != "" {
		t.Errorf("cookie %q", cookieChange(response))
	}
}

// A renewed session is renewed once, however often it is asked for.
func TestRenewalsOfOneRequestAreOne(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	g.log.kinds()
	g.use(func(s *session.Session[state]) {
		s.Renew()
		s.Update(setUser("alice"))
		s.Renew()
	})
	g.log.want(t, "loaded", "renewed")
}

func TestSupersededSecret(t *testing.T) {
	type outcome struct {
		Told   string
		Events []string
	}
	uses := map[string]func(*session.Session[state]){
		"read":    func(s *session.Session[state]) { _ = s.State() },
		"update":  func(s *session.Session[state]) { s.Update(note("stray")) },
		"remain":  func(s *session.Session[state]) { s.SetPersistent(true) },
		"destroy": (*session.Session[state]).Destroy,
		"login":   func(s *session.Session[state]) { s.Update(setUser("bob")) },
		"renew":   (*session.Session[state]).Renew,
		"confirm": func(s *session.Session[state]) { s.Login(nil) },
		"again":   func(s *session.Session[state]) { s.Login(setUser("alice")) },
	}
	// In the grace a cookie would overwrite the one that the login has just set.
	inGrace := map[string]outcome{
		"read":    {"", []string{"superseded"}},
		"update":  {"", []string{"superseded", "failed"}},
		"remain":  {"", []string{"superseded"}},
		"destroy": {"", []string{"superseded"}},
		"login":   {"set", []string{"superseded", "created"}},
		"renew":   {"", []string{"superseded"}},
		"confirm": {"", []string{"superseded"}},
		"again":   {"set", []string{"superseded", "renewed"}},
	}
	afterIt := map[string]outcome{
		"read":    {"", []string{"rejected:unknown"}},
		"update":  {"set", []string{"rejected:unknown", "created"}},
		"remain":  {"", []string{"rejected:unknown"}},
		"destroy": {"expired", []string{"rejected:unknown"}},
		"login":   {"set", []string{"rejected:unknown", "created"}},
		"renew":   {"", []string{"rejected:unknown"}},
		"confirm": {"", []string{"rejected:unknown"}},
		"again":   {"set", []string{"rejected:unknown", "created"}},
	}
	tests := []struct {
		name  string
		after time.Duration
		want  map[string]outcome
	}{
		{"at once", 0, inGrace},
		{"one tick before the grace ends", graceOfRenewal - time.Millisecond, inGrace},
		{"when it ends", graceOfRenewal, afterIt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newHarness(t)
				g.update(count)
				old := g.anotherTab()
				g.update(setUser("alice"))
				id := g.id()
				g.log.kinds()
				time.Sleep(test.after)

				for name, use := range uses {
					var isNew bool
					var found state
					response := old.anotherTab().use(func(s *session.Session[state]) {
						isNew, found = s.IsNew() && s.Err() == nil, s.State()
						use(s)
					})
					got := outcome{cookieChange(response), g.log.kinds()}
					if diff := cmp.Diff(test.want[name], got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", name, diff)
					}
					if diff := cmp.Diff(state{}, found); diff != "" || !isNew {
						t.Errorf("%s: new %v, state (-want +got):\n%s", name, isNew, diff)
					}
				}
				if rec, err := g.store.Store.Load(t.Context(), id); err != nil || rec.Subject != "alice" {
					t.Errorf("alice's session is %q's, %v", rec.Subject, err)
				}
			})
		})
	}
}

// A form that was sent twice: the second request joins the session of the first,
// with what the visitor has had in it.
func TestTwoLoginsAtOnce(t *testing.T) {
	g := newHarness(t)
	g.update(note("of the visitor"))
	second := g.anotherTab()
	g.log.kinds()
	response := second.use(func(s *session.Session[state]) {
		s.Update(func(st *state) { st.User, st.Count = "alice", st.Count+1 })
		g.update(setUser("alice"))
		g.log.want(t, "loaded", "loaded", "renewed")
	})
	g.log.want(t, "conflict", "superseded", "renewed")
	if cookieChange(response) != "set" {
		t.Errorf("the second login: cookie %q", cookieChange(response))
	}
	if diff := cmp.Diff(state{User: "alice", Count: 1, Note: "of the visitor"}, second.state()); diff != "" {
		t.Errorf("the session (-want +got):\n%s", diff)
	}
}

// A browser drops the first of two submissions of a form. If the first is served
// last, it must not supersede the secret that the browser has from the second.
func TestDroppedSubmissionServedLast(t *testing.T) {
	tests := []struct {
		name   string
		before func(*state)
		submit func(*session.Session[state])
	}{
		{"a login", note("of the visitor"), func(s *session.Session[state]) { s.Login(setUser("alice")) }},
		{"a login by subject", note("of the visitor"), func(s *session.Session[state]) { s.Update(setUser("alice")) }},
		{"a confirmed password", setUser("alice"), func(s *session.Session[state]) { s.Login(nil) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t)
			g.update(test.before)
			id := g.id()
			ctx, hangUp := context.WithCancel(t.Context())
			dropped := serveOne(g.m, g.request("/").WithContext(ctx), func(s *session.Session[state]) {
				hangUp()
				g.use(test.submit)
				test.submit(s)
			})
			if cookieChange(dropped) != "" {
				t.Errorf("the submission that was dropped: cookie %q", cookieChange(dropped))
			}
			if got := g.state().User; got != "alice" || g.id() != id {
				t.Errorf("the browser goes on as %q, in the same session: %v", got, g.id() == id)
			}
		})
	}
}

// A renewal whose client has hung up is not made: the client's own secret would
// be superseded, and the next submission of the form with it.
func TestDroppedConfirmation(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	ctx, hangUp := context.WithCancel(t.Context())
	serveOne(g.m, g.request("/").WithContext(ctx), func(s *session.Session[state]) {
		hangUp()
		s.Login(nil)
	})
	if got := g.state().User; got != "alice" {
		t.Errorf("the browser goes on as %q, want alice", got)
	}
	if response := g.use(func(s *session.Session[state]) { s.Login(nil) }); cookieChange(response) != "set" {
		t.Errorf("the second confirmation: cookie %q, want a new one", cookieChange(response))
	}
}

// A login whose answer never arrived is repeated with the old cookie.
func TestRepeatedLogin(t *testing.T) {
	g := newHarness(t)
	g.update(note("of the visitor"))
	id := g.id()
	again := g.anotherTab()
	g.update(setUser("alice"))
	g.log.kinds()
	response := again.update(setUser("alice"))
	g.log.want(t, "superseded", "renewed")
	if cookieChange(response) != "set" || again.id() != id {
		t.Errorf("cookie %q, same session %v", cookieChange(response), again.id() == id)
	}
	if diff := cmp.Diff(state{User: "alice", Note: "of the visitor"}, again.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// A secret that is superseded while its request runs is one no more.
func TestSupersededUnderTheRequest(t *testing.T) {
	tests := []struct {
		name   string
		rest   func(*session.Session[state])
		cookie string
		events []string
	}{
		{"a read", func(s *session.Session[state]) { _ = s.State() }, "", []string{}},
		{"an update", func(s *session.Session[state]) { s.Update(note("stray")) }, "", []string{"conflict", "superseded", "failed"}},
		{"an update and persistence", func(s *session.Session[state]) {
			s.SetPersistent(true)
			s.Update(note("stray"))
		}, "", []string{"conflict", "superseded", "failed"}},
		{"a login", func(s *session.Session[state]) { s.Update(setUser("bob")) }, "set", []string{"conflict", "superseded", "created"}},
		{"a renewal", (*session.Session[state]).Renew, "", []string{"conflict", "superseded"}},
		{"a confirmed password", func(s *session.Session[state]) { s.Login(nil) }, "", []string{"conflict", "superseded"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t)
			g.update(count)
			slow := g.anotherTab()
			response := slow.use(func(s *session.Session[state]) {
				g.update(setUser("alice"))
				g.log.kinds()
				test.rest(s)
			})
			g.log.want(t, test.events...)
			if cookieChange(response) != test.cookie {
				t.Errorf("cookie %q, want %q", cookieChange(response), test.cookie)
			}
			if diff := cmp.Diff(state{User: "alice", Count: 1}, g.state()); diff != "" {
				t.Errorf("alice's session (-want +got):\n%s", diff)
			}
		})
	}
}

// A logout elsewhere in the browser ends what a running request knows of the
// user: nothing of alice is written into the session that is anonymous now.
func TestLogoutUnderTheRequest(t *testing.T) {
	g := newHarness(t)
	g.update(setUser("alice"))
	slow := g.anotherTab()
	response := slow.use(func(s *session.Session[state]) {
		s.Update(note("alice's secret"))
		g.use((*session.Session[state]).Clear)
	})
	if cookieChange(response) != "" || g.state().Note != "" {
		t.Errorf("cookie %q, note %q", cookieChange(response), g.state().Note)
	}
}

// An old cookie in front of the real one, or behind it, does not hide it.
func TestSupersededBesideTheRealOne(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	old := g.token()
	g.update(setUser("alice"))
	g.log.kinds()
	for _, pair := range [][2]string{{old, g.token()}, {g.token(), old}} {
		r := g.request("/")
		r.Header.Set("Cookie", "__Host-session="+pair[0]+"; __Host-session="+pair[1])
		var user string
		w := serveOne(g.m, r, func(s *session.Session[state]) {
			user = s.State().User
			s.Update(count) // which is not muted either
		})
		if user != "alice" || cookieChange(w) != "" {
			t.Errorf("user %q, cookie %q", user, cookieChange(w))
		}
	}
	if got := g.state().Count; got != 3 {
		t.Errorf("count %d, want 3", got)
	}
	r := g.request("/")
	r.Header.Set("Cookie", "__Host-session="+old+"; __Host-session="+g.token())
	if response := serveOne(g.m, r, (*session.Session[state]).Destroy); cookieChange(response) != "expired" {
		t.Errorf("destroying it: cookie %q", cookieChange(response))
	}
}

// Once it has logged in for itself, a superseded request is one like any other.
func TestSupersededRequestThatHasLoggedIn(t *testing.T) {
	g := newHarness(t)
	g.update(count)
	old := g.anotherTab()
	g.update(setUser("alice"))
	g.log.kinds()
	response := old.use(func(s *session.Session[state]) {
		s.Update(setUser("bob"))
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		s.Destroy()
		s.Update(note("bye"))
	})
	g.log.want(t, "superseded", "created", "destroyed", "created")
	if got := old.state(); cookieChange(response) != "set" || got.Note != "bye" {
		t.Errorf("cookie %q, state %+v", cookieChange(response), got)
	}
}
