package model_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/typedsession/typedsession/session"
)

// inspect compares everything that is left with the model: where each token
// leads that was ever issued, and whose sessions there are.
func (w *world) inspect() {
	ctx := context.Background()
	w.probe("in the end")
	for _, user := range users {
		n := 0
		for _, x := range w.sessions {
			if w.model.live(x) && x.state.User == user {
				n++
			}
		}
		ids, err := idsOf(ctx, w.plain, user)
		if err != nil {
			w.fail("in the end: the sessions of %s: %v", user, err)
		}
		if len(ids) != n {
			w.fail("in the end: %d sessions of %s are listed, and there are %d", len(ids), user, n)
		}
		w.listed("in the end", user, w.clock+1, ids)
		if w.perSubject > 0 && n > w.perSubject && !w.unlimited[user] {
			w.fail("in the end: %s has %d sessions, and may have %d", user, n, w.perSubject)
		}
	}
	if w.failure != "" {
		return
	}
	a := actor{name: "after revoking " + users[0], user: users[0], since: w.clock, revoking: true}
	var ended []session.ID // before, since the call takes time
	for _, x := range w.sessions {
		if w.model.live(x) && x.state.User == users[0] {
			ended = append(ended, x.id)
		}
	}
	n, err := w.plain.RevokeSubject(ctx, users[0])
	if err != nil {
		w.fail("in the end: revoking %s: %v", users[0], err)
	}
	for _, id := range ended {
		w.removed(&a, id, true)
	}
	w.revoked(&a, n)
	w.probe(a.name)
}

// probe presents every token that was ever issued.
func (w *world) probe(when string) {
	for i, cookie := range w.issued {
		t := w.tokens[cookie]
		name := fmt.Sprintf("%s: cookie %d, of %s", when, i+1, t.sess.name)
		valid := w.model.live(t.sess) && t.gen == t.sess.gen
		handler := func(_ http.ResponseWriter, _ *http.Request, s *session.Session[State]) {
			got := s.State()
			switch {
			case s.IsNew() && valid:
				w.fail("%s leads nowhere", name)
			case !s.IsNew() && !valid:
				w.fail("%s opens a session of %v, and should not", name, &got)
			case valid && (!got.equal(&t.sess.state) || s.ID() != t.sess.id):
				w.fail("%s holds %v, and should hold %v", name, &got, &t.sess.state)
			}
		}
		w.plain.Handle(handler).ServeHTTP(httptest.NewRecorder(), newHTTP(context.Background(), cookie))
	}
}
