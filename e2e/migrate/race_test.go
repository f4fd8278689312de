package migrate_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/typedsession/typedsession/e2e/migrate"
	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/rueidis"
)

type reader = func(*http.Request) (func(*session.Session[migrate.State]), error)

// together returns a reader that returns to nobody before n requests have read.
func together(read reader, n int64) reader {
	var readers atomic.Int64
	all := make(chan struct{})
	return func(r *http.Request) (func(*session.Session[migrate.State]), error) {
		carry, err := read(r)
		if readers.Add(1) == n {
			close(all)
		}
		<-all
		return carry, err
	}
}

// addAtOnce has n requests at once put something into the cart each, and fails
// the test unless all are answered with one session, which has everything.
func (b browser) addAtOnce(t testing.TB, n int, programs ...http.Handler) {
	t.Helper()
	answers := make([]reply, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			answers[i] = b.send(programs[i%len(programs)], fmt.Sprintf("/add?item=%02d", i))
		})
	}
	all.Wait()
	want := []string{"mug"}
	for i := range n {
		want = append(want, fmt.Sprintf("%02d", i))
	}
	slices.Sort(want)
	for _, answer := range answers {
		if answer.code != http.StatusOK {
			t.Errorf("status %d", answer.code)
		}
		b.keep(answer) // whichever comes last
		cart, isAlice := strings.CutPrefix(b.ask(programs[0], "/who").text, "alice")
		got := strings.Fields(strings.Trim(cart, "[]"))
		slices.Sort(got)
		if !isAlice || !slices.Equal(got, want) {
			t.Errorf("alice: %v, with %s, want %s", isAlice, got, want)
		}
	}
}

func TestRequestsAtOnceGoOnInOneSession(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		const n = 16
		c := alice(b)
		p := b.switchTo(t)
		p.adopter.Read = together(p.adopter.Read, n)
		c.addAtOnce(t, n, p)
		wantSessions(t, p.manager, 1)
	})
}

// The browser has a new session without a user already, which all of the
// requests bring, and only one of them can log in.
func TestRequestsAtOnceOfAnonymousSession(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		const n = 16
		p := b.switchTo(t)
		c := browser{}
		c.ask(p, "/add?item=mug")
		visitor := browser{}
		visitor.ask(b, "/login?user=alice")
		c[b.cookie] = visitor[b.cookie]
		p.adopter.Read = together(p.adopter.Read, n)
		c.addAtOnce(t, n, p)
		wantSessions(t, p.manager, 1)
	})
}

func TestProcessesAtOnceGoOnInOneSession(t *testing.T) {
	const n = 16
	url := "redis://" + redistest.Start(t).Addr
	key := session.NewKey()
	b := newGorilla(t)
	c := alice(b)
	var programs []http.Handler
	var read reader
	var m *session.Manager[migrate.State]
	for range 2 {
		store, err := rueidis.Open(t.Context(), url, rueidis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		m = newManager(t, store, key)
		adopter := b.adopt(m, store)
		if read == nil {
			read = together(adopter.Read, n)
		}
		adopter.Read = read
		programs = append(programs, adopter.Wrap(program()))
	}
	copied := c.clone()
	c.addAtOnce(t, n, programs...)
	wantSessions(t, m, 1)
	c.ask(programs[0], "/logout")
	copied.wants(t, programs[1], nobody)
}

// A request that has read the old session before another one took it over and
// logged out is late: what it has read must count for nothing.
func TestLateRequestDoesNotUndoLogout(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		p := b.switchTo(t)
		late := c.clone()
		read := p.adopter.Read
		p.adopter.Read = func(r *http.Request) (func(*session.Session[migrate.State]), error) {
			p.adopter.Read = read
			carry, err := read(r)
			c.ask(p, "/logout")
			return carry, err
		}
		late.wants(t, p, nobody)
		if len(late) != 0 {
			t.Errorf("the late request was given %v", late)
		}
		wantSessions(t, p.manager, 0)
	})
}

// The client did not get the answer that told it of the new session.
func TestLostAnswerLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *before) {
		c := alice(b)
		p := b.switchTo(t)
		c.send(p, "/add?item=vase")
		c.wants(t, p, "alice[mug vase]")
		wantSessions(t, p.manager, 1)
	})
}
