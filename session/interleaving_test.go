package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// interleavingStore yields to other goroutines around each call, and loses some
// answers after the call was made.
type interleavingStore struct {
	store.Store
	mu   sync.Mutex
	rand *rand.Rand
	lose float64
	ids  map[session.ID]bool // of all that was ever stored
}

func (s *interleavingStore) step() (lost bool) {
	s.mu.Lock()
	yields, lost := s.rand.IntN(4), s.rand.Float64() < s.lose
	s.mu.Unlock()
	for range yields {
		runtime.Gosched()
	}
	return lost
}

func (s *interleavingStore) Create(ctx context.Context, rec store.Record) error {
	s.mu.Lock()
	s.ids[rec.ID] = true
	s.mu.Unlock()
	err := s.Store.Create(ctx, rec)
	if s.step() {
		return errLost
	}
	return err
}

func (s *interleavingStore) Load(ctx context.Context, id store.ID) (store.Record, error) {
	s.step()
	return s.Store.Load(ctx, id)
}

func (s *interleavingStore) Update(ctx context.Context, base store.Rev, rec store.Record) error {
	s.step()
	err := s.Store.Update(ctx, base, rec)
	if s.step() {
		return errLost
	}
	return err
}

func (s *interleavingStore) Delete(ctx context.Context, id store.ID) error {
	err := s.Store.Delete(ctx, id)
	if s.step() {
		return errLost
	}
	return err
}

// outcome is what became of a mark that a request has left in the state, as far as
// the request knows.
type outcome struct {
	id    session.ID // the session that it was saved in; zero: it was not
	known bool       // false where the answer was lost
}

// TestInterleavings runs concurrent requests of one browser, with old cookies and
// new ones, logins, renewals and logouts. Each leaves a mark. In the end a mark that
// was saved is in its session once, if that is still there, and in no other session.
// A mark that was not saved is in none.
func TestInterleavings(t *testing.T) {
	for seed := range uint64(30) {
		lose := float64(seed%3) / 20
		t.Run(fmt.Sprintf("seed %d, losing %.0f %%", seed, 100*lose), func(t *testing.T) {
			testInterleavings(t, seed, lose)
		})
	}
}

func testInterleavings(t *testing.T, seed uint64, lose float64) {
	const requests, workers = 200, 8
	st := &interleavingStore{Store: memory.New(), rand: rand.New(rand.NewPCG(seed, 0)), lose: lose, ids: map[session.ID]bool{}}
	m := newManager(t, st)
	var mu sync.Mutex // guards what follows
	tokens := []string{""}
	outcomes := map[string]outcome{}

	one := func(random *rand.Rand, name string) {
		mu.Lock()
		// Most requests have the latest cookie.
		token := tokens[max(len(tokens)-1-int(random.ExpFloat64()), 0)]
		mu.Unlock()
		b := newBrowserWith(t, map[string]string{"__Host-session": token})
		response := b.do(m, func(_ http.ResponseWriter, r *http.Request) {
			s := from(r)
			for step := range 1 + random.IntN(4) {
				mark := fmt.Sprint(name, ".", step)
				leave := func(st *state) {
					if st.Items == nil {
						st.Items = map[string]int{}
					}
					st.Items[mark]++
				}
				var err error
				switch random.IntN(12) {
				case 0:
					s.Renew()
					continue
				case 1:
					s.Update(setUser(fmt.Sprint("user ", random.IntN(2))))
					continue
				case 2:
					s.Destroy()
					continue
				case 3:
					s.SetPersistent(random.IntN(2) == 0)
					continue
				case 4, 5:
					err = s.Transact(r.Context(), func(st *state) error { leave(st); return errNo })
				case 6, 7, 8:
					err = s.Transact(r.Context(), func(st *state) error { leave(st); return nil })
				default:
					s.Update(leave)
					err = s.Save(r.Context())
				}
				f := outcome{known: !errors.Is(err, session.ErrUnavailable)}
				switch {
				case err == nil:
					f.id = s.ID()
				case errors.Is(err, errNo), errors.Is(err, session.ErrNotFound), !f.known:
				default:
					t.Errorf("%s: %v", mark, err)
				}
				mu.Lock()
				outcomes[mark] = f
				mu.Unlock()
			}
		})
		if response.StatusCode != http.StatusOK && lose == 0 {
			t.Errorf("status %d", response.StatusCode)
		}
		if cookieChange(response) == "set" {
			mu.Lock()
			tokens = append(tokens, b.token())
			mu.Unlock()
		}
	}
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker)+1))
			for i := range requests / workers {
				one(random, fmt.Sprint(worker, ".", i))
			}
		})
	}
	all.Wait()

	kept := 0
	for id := range st.ids {
		marks, ok := st.marks(t, id)
		for mark, n := range marks {
			// Where an answer was lost, it may have been applied again.
			if f := outcomes[mark]; f.known && (n != 1 || f.id != id) {
				t.Errorf("%s, saved in %v, is in %v %d times", mark, f.id, id, n)
			}
		}
		for mark, f := range outcomes {
			if !ok || !f.known || f.id != id {
				continue
			}
			if kept++; marks[mark] == 0 {
				t.Errorf("%s was saved in %v, and is lost", mark, id)
			}
		}
	}
	if kept == 0 {
		t.Error("no session has outlived the test, which then shows nothing")
	}
}

// marks returns what is left in a session, if that is still there.
func (s *interleavingStore) marks(t *testing.T, id session.ID) (marks map[string]int, ok bool) {
	rec, err := s.Store.Load(t.Context(), id)
	if err != nil {
		return nil, false
	}
	_, encoded, err := payload.Format{}.Open(rec.Payload, rec.ID, rec.Subject)
	if err != nil {
		t.Fatal(err)
	}
	var st state
	if err := codec.MsgPack[state]().Decode(encoded, &st); err != nil {
		t.Fatal(err)
	}
	return st.Items, true
}
