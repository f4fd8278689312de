package session_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/memory"
)

// flashes is a state with flash messages of several kinds.
type flashes struct {
	List []string
	Map  map[string]int
}

// TestTakeBesideAnAppend: of a slice or a map only what was taken is removed, so that
// what another request adds is shown once too.
func TestTakeBesideAnAppend(t *testing.T) {
	m, err := session.NewManager(memory.New(), session.Config[flashes]{
		Keys: []session.Key{session.NewKey()}, Subject: session.Anonymous[flashes], Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, nil)
	use := func(b *browser, do func(*session.Session[flashes])) {
		b.handler = m.Handle(func(_ http.ResponseWriter, _ *http.Request, s *session.Session[flashes]) { do(s) })
		b.get("/")
	}
	list := func(s *flashes) *[]string { return &s.List }
	counts := func(s *flashes) *map[string]int { return &s.Map }
	var taken []string
	takes := func(s *session.Session[flashes]) { taken = append(taken, session.Take(s, list)...) }
	add := func(text string) func(*session.Session[flashes]) {
		return func(s *session.Session[flashes]) {
			s.Update(func(st *flashes) {
				st.List = append(st.List, text)
				if st.Map == nil {
					st.Map = map[string]int{}
				}
				st.Map[text]++
			})
		}
	}
	use(b, add("first"))
	tab := b.clone()
	use(b, func(s *session.Session[flashes]) {
		takes(s)
		session.Take(s, counts)
		use(tab, add("second"))
	})
	use(b, func(s *session.Session[flashes]) {
		if diff := cmp.Diff(map[string]int{"second": 1}, session.Take(s, counts)); diff != "" {
			t.Errorf("left in the map (-want +got):\n%s", diff)
		}
		takes(s)
		use(tab, takes) // which takes it too: two at once may
	})
	use(b, takes)
	if diff := cmp.Diff([]string{"first", "second", "second"}, taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

// TestTakeOfNothing changes nothing, also where equal states are encoded differently.
func TestTakeOfNothing(t *testing.T) {
	g := newHarness(t)
	g.update(func(s *state) {
		s.Items = map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}
	})
	g.store.calls.Store(0)
	for range 100 {
		g.use(func(s *session.Session[state]) {
			takeNote(s)
			if s.Status() != session.StatusUnchanged {
				t.Error("the session is changed")
			}
		})
	}
	if got := g.store.calls.Load(); got != 100 {
		t.Errorf("100 requests call the store %d times", got)
	}
}
