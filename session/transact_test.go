package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

var errNo = errors.New("no")

// transact runs a transaction in a request of its own, and returns its error.
func (g *harness) transact(fn func(*state) error) (err error) {
	g.use(func(s *session.Session[state]) { err = s.Transact(context.Background(), fn) })
	return err
}

// stored returns the state that the store holds for a session that is in use.
func (g *harness) stored() state { return g.anotherTab().state() }

func TestTransactSeesTheCurrentState(t *testing.T) {
	g := newHarness(t)
	g.update(note("0"))
	g.use(func(s *session.Session[state]) {
		s.Update(note("a"))
		g.anotherTab().update(note("1"))
		g.log.kinds()
		err := s.Transact(t.Context(), func(st *state) error {
			if st.Note != "01a" {
				t.Errorf("the transaction saw %q, want what is stored and the pending update", st.Note)
			}
			st.Note += "T"
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		g.log.want(t, "saved")
		if got := g.stored().Note; got != "01aT" || s.State().Note != got {
			t.Errorf("stored %q, in memory %q, want 01aT: a nil error means that it is in the store", got, s.State().Note)
		}
	})
	g.log.want(t) // there was nothing left to commit
}

func TestTransactIsRepeatedOnAFresherState(t *testing.T) {
	g := newHarness(t)
	g.update(note("0"))
	var saw []string
	g.use(func(s *session.Session[state]) {
		s.Update(note("a"))
		g.store.once("update", func() {
			g.anotherTab().update(note("1"))
			g.store.once("update", func() { g.anotherTab().update(note("2")) })
		})
		err := s.Transact(t.Context(), func(st *state) error {
			saw = append(saw, st.Note)
			st.Note += "T"
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if diff := cmp.Diff([]string{"0a", "01a", "012a"}, saw); diff != "" {
		t.Errorf("what the transaction saw (-want +got):\n%s", diff)
	}
	if got := g.state().Note; got != "012aT" {
		t.Errorf("note %q, want 012aT", got)
	}
}

// A decision that was right at first may be wrong on the fresher state.
func TestTransactGivesUpAfterAConflict(t *testing.T) {
	g := newHarness(t)
	g.update(note("coupon"))
	redeem := func(st *state) error {
		if st.Note == "" {
			return errNo
		}
		st.Note = ""
		return nil
	}
	g.use(func(s *session.Session[state]) {
		g.store.once("update", func() {
			if err := g.anotherTab().transact(redeem); err != nil {
				t.Error(err)
			}
		})
		if err := s.Transact(t.Context(), redeem); !errors.Is(err, errNo) {
			t.Errorf("Transact: %v, want its function's error", err)
		}
		if got := s.State().Note; got != "" {
			t.Errorf("the handler still sees %q", got)
		}
	})
}

func TestTransactThatFailsChangesNothing(t *testing.T) {
	spoil := func(st *state) {
		st.Count, st.User = 99, "mallory"
		st.Items["a"] = 99 // in place
		delete(st.Items, "b")
	}
	down := errors.New("out of reach")
	tests := []struct {
		name string
		run  func(*harness, *session.Session[state]) error
		want error
	}{
		{"its function fails", func(_ *harness, s *session.Session[state]) error {
			return s.Transact(context.Background(), func(st *state) error { spoil(st); return errNo })
		}, errNo},
		{"its function panics", func(_ *harness, s *session.Session[state]) (err error) {
			defer func() { err, _ = recover().(error) }()
			return s.Transact(context.Background(), func(st *state) error { spoil(st); panic(errNo) })
		}, errNo},
		{"the store cannot load", func(g *harness, s *session.Session[state]) error {
			g.store.before = func(string, store.ID) error { return down }
			defer func() { g.store.before = nil }()
			return s.Transact(context.Background(), func(st *state) error { spoil(st); return nil })
		}, session.ErrUnavailable},
		{"the store cannot save", func(g *harness, s *session.Session[state]) error {
			g.store.before = func(op string, _ store.ID) error {
				if op == "update" {
					return down
				}
				return nil
			}
			defer func() { g.store.before = nil }()
			return s.Transact(context.Background(), func(st *state) error { spoil(st); return nil })
		}, down},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t)
			g.update(func(s *state) { s.Items = map[string]int{"a": 1, "b": 2} })
			before := g.state()
			pending := before
			pending.Note = "pending"
			response := g.use(func(s *session.Session[state]) {
				s.Update(note("pending"))
				if err := test.run(g, s); !errors.Is(err, test.want) {
					t.Errorf("Transact: %v, want %v", err, test.want)
				}
				if diff := cmp.Diff(before, g.stored()); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(pending, s.State()); diff != "" {
					t.Errorf("in memory (-want +got):\n%s", diff)
				}
			})
			if cookieChange(response) != "" {
				t.Errorf("cookie %q", cookieChange(response))
			}
			if diff := cmp.Diff(pending, g.state()); diff != "" {
				t.Errorf("after the request, with its other update (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTransactCreatesASession(t *testing.T) {
	g := newHarness(t)
	response := g.use(func(s *session.Session[state]) {
		s.Update(note("a"))
		err := s.Transact(t.Context(), func(st *state) error { st.Note += "T"; return nil })
		if err != nil {
			t.Error(err)
		}
		if _, err := g.store.Store.Load(t.Context(), s.ID()); err != nil {
			t.Errorf("it is not in the store yet: %v", err)
		}
	})
	g.log.want(t, "created")
	if got := g.state().Note; got != "aT" || cookieChange(response) != "set" {
		t.Errorf("note %q, cookie %q", got, cookieChange(response))
	}
}

func TestTransactThatFailsCreatesNothing(t *testing.T) {
	g := newHarness(t)
	if err := g.transact(func(st *state) error { st.Count++; return errNo }); !errors.Is(err, errNo) {
		t.Error(err)
	}
	if calls := g.store.calls.Load(); calls != 0 {
		t.Errorf("%d calls of the store", calls)
	}
}

func TestTransactWithClientHeldStore(t *testing.T) {
	m, b := newManager(t, cookie.New()), newBrowser(t, nil)
	b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		called := false
		err := from(r).Transact(r.Context(), func(*state) error { called = true; return nil })
		if !errors.Is(err, errors.ErrUnsupported) || called {
			t.Errorf("Transact: %v, called %v, want ErrUnsupported", err, called)
		}
	})
}

func TestTransactAfterTheSessionHasEnded(t *testing.T) {
	ends := map[string]func(*harness){
		"destroyed":  func(g *harness) { g.anotherTab().use((*session.Session[state]).Destroy) },
		"superseded": func(g *harness) { g.anotherTab().use((*session.Session[state]).Renew) },
	}
	for name, end := range ends {
		for _, when := range []string{"before it loads", "before it saves"} {
			t.Run(name+" "+when, func(t *testing.T) {
				g := newHarness(t)
				g.update(note("old"))
				response := g.use(func(s *session.Session[state]) {
					old := s.ID()
					if when == "before it loads" {
						end(g)
					} else {
						g.store.once("update", func() { end(g) })
					}
					err := s.Transact(t.Context(), func(st *state) error { st.Note += "T"; return nil })
					if !errors.Is(err, session.ErrNotFound) {
						t.Errorf("Transact: %v, want ErrNotFound", err)
					}
					if s.State().Note != "" || !s.IsNew() || s.ID() == old {
						t.Errorf("what is left: %+v, new %v, same ID %v", s.State(), s.IsNew(), s.ID() == old)
					}
				})
				if cookieChange(response) != "" || response.StatusCode != http.StatusOK {
					t.Errorf("status %d, cookie %q", response.StatusCode, cookieChange(response))
				}
			})
		}
	}
}

func TestTransactAfterTheResponseHasBegun(t *testing.T) {
	tests := []struct {
		name  string
		fresh bool
		fn    func(*state)
		want  error
	}{
		{"a change", false, count, nil},
		{"no change", false, func(*state) {}, nil},
		{"a login", false, setUser("alice"), session.ErrCommitted},
		{"a change, of a new session", true, count, session.ErrCommitted},
		{"no change, of a new session", true, func(*state) {}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t)
			if !test.fresh {
				g.update(note("old"))
			}
			before := g.state()
			g.do(g.m, func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "begun")
				s := from(r)
				err := s.Transact(r.Context(), func(st *state) error { test.fn(st); return nil })
				if !errors.Is(err, test.want) {
					t.Errorf("Transact: %v, want %v", err, test.want)
				}
				want := before
				if test.want == nil {
					test.fn(&want)
				}
				if diff := cmp.Diff(want, s.State()); diff != "" {
					t.Errorf("in memory (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(want, g.stored()); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A transaction that saves another session, which happens to stand in the same
// line for those that have met a conflict, does not wait for itself for ever.
func TestTransactThatSavesAnotherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t)
		g.update(note("a"))
		other := &harness{newBrowser(t, nil), g.m, g.store, g.log}
		// There are 64 lines, told by the ID.
		for a := g.id(); ; other.cookies = map[string]string{} {
			other.update(note("b"))
			if b := other.id(); b[0]%64 == a[0]%64 {
				break
			}
		}
		g.use(func(s *session.Session[state]) {
			g.store.once("update", func() { g.anotherTab().update(note("1")) })
			calls := 0
			err := s.Transact(t.Context(), func(st *state) error {
				st.Note += "T"
				if calls++; calls == 1 {
					return nil
				}
				opened := other.open(t)
				opened.Update(note("3"))
				other.anotherTab().update(note("2"))
				return opened.Save(t.Context())
			})
			if err != nil {
				t.Error(err)
			}
		})
		if a, b := g.state().Note, other.state().Note; a != "a1T" || b != "b23" {
			t.Errorf("notes %q and %q, want a1T and b23", a, b)
		}
	})
}
