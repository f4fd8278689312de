package suite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// load is clients that change, create, end and revoke sessions while a test
// breaks what is between them and the database. It counts what must not happen.
type load struct {
	st       *sqlstore.Store
	sessions []*counted
	clients  sync.WaitGroup
	end      chan struct{}

	done    atomic.Int64 // operations that were answered
	unknown atomic.Int64 // operations without an answer

	lost, doubled, revived, wrongLogouts atomic.Int64

	mu     sync.Mutex
	errors map[string]int // what operations without an answer returned
}

// counted is a session whose payload counts the changes that were made to it.
type counted struct {
	first   store.Record
	success atomic.Int64 // changes that were answered with success
	unknown atomic.Int64 // changes without an answer
	ended   atomic.Bool  // Delete has returned
	ending  atomic.Bool  // Delete has been called
}

const (
	loadClients  = 16
	loadSessions = 40
)

// startLoad creates the sessions and starts the clients.
func startLoad(t testing.TB, st *sqlstore.Store) *load {
	l := &load{st: st, end: make(chan struct{}), errors: make(map[string]int)}
	for range loadSessions {
		rec := newRecord("ann")
		rec.Payload = []byte("0")
		l.sessions = append(l.sessions, &counted{first: mustCreate(t, st, rec)})
	}
	for c := range loadClients {
		l.clients.Go(func() {
			for i := c; ; i++ {
				select {
				case <-l.end:
					return
				default:
					l.act(c, i)
				}
			}
		})
	}
	return l
}

// act does one thing as a client.
func (l *load) act(client, i int) {
	switch {
	case i%50 == 49:
		l.come(fmt.Sprintf("client %d", client))
	case i%80 == 79 && client < 4:
		l.logOut(l.sessions[client*2+i%2])
	default:
		l.change(l.sessions[(client*7+i*3)%loadSessions])
	}
}

// answered counts an operation, and reports whether its result is known.
func (l *load) answered(err error) bool {
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrRevoked) {
		l.done.Add(1)
		return true
	}
	l.unknown.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors[err.Error()]++
	return false
}

// change adds one to the session's counter.
func (l *load) change(s *counted) {
	ctx := context.Background()
	endedBefore := s.ended.Load()
	rec, err := l.st.Load(ctx, s.first.ID)
	if err == nil {
		if endedBefore {
			l.revived.Add(1)
		}
		if _, _, err = add(ctx, l.st, rec); err == nil {
			s.success.Add(1)
		}
	}
	if !l.answered(err) {
		s.unknown.Add(1)
	}
	if errors.Is(err, store.ErrNotFound) && !s.ending.Load() {
		l.wrongLogouts.Add(1)
	}
}

func (l *load) logOut(s *counted) {
	s.ending.Store(true)
	if err := l.st.Delete(context.Background(), s.first.ID); l.answered(err) {
		s.ended.Store(true)
	}
}

// come logs a subject of the client's own in, and revokes it.
func (l *load) come(subject string) {
	ctx := context.Background()
	rec := newRecord("")
	rec.Payload = []byte("0")
	err := l.st.Create(ctx, rec)
	if errors.Is(err, store.ErrExists) {
		l.doubled.Add(1) // its own, repeated
	}
	if !l.answered(err) || err != nil {
		return
	}
	in := login(next(rec, "in"))
	in.Subject = subject
	if err := l.st.Update(ctx, rec.Rev, in); !l.answered(err) {
		return
	} else if err != nil {
		l.wrongLogouts.Add(1) // it is its client's only login, later than its revocations
		return
	}
	ended, err := l.st.RevokeSubject(ctx, subject, in.LoginSince)
	if !l.answered(err) {
		return
	}
	if len(ended) == 0 {
		l.lost.Add(1)
	}
	if _, err := l.st.Load(ctx, in.ID); l.answered(err) && !errors.Is(err, store.ErrNotFound) {
		l.revived.Add(1)
	}
	time.Sleep(2 * time.Millisecond) // so that the next login is later
}

// stop ends the clients and compares the sessions with what they were told.
func (l *load) stop(t testing.TB) {
	t.Helper()
	close(l.end)
	l.clients.Wait()
	for _, s := range l.sessions {
		rec, err := l.st.Load(t.Context(), s.first.ID)
		switch {
		case err == nil && s.ended.Load():
			l.revived.Add(1)
		case errors.Is(err, store.ErrNotFound) && !s.ending.Load():
			l.wrongLogouts.Add(1)
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			t.Fatal(err)
		default:
			count, err := strconv.ParseInt(string(rec.Payload), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			l.lost.Add(max(0, s.success.Load()-count))
			l.doubled.Add(max(0, count-s.success.Load()-s.unknown.Load()))
		}
	}
	t.Logf("%d answered, %d without an answer; lost %d, doubled %d, revived %d, wrong logouts %d",
		l.done.Load(), l.unknown.Load(), l.lost.Load(), l.doubled.Load(), l.revived.Load(), l.wrongLogouts.Load())
	for message, n := range l.errors {
		t.Logf("%d times: %s", n, message)
	}
	if l.lost.Load()+l.doubled.Load()+l.revived.Load()+l.wrongLogouts.Load() != 0 {
		t.Error("want none of lost, doubled, revived and wrong logouts")
	}
	if l.done.Load() == 0 {
		t.Error("nothing was answered")
	}
}

// waitAnswered waits until n more operations were answered.
func (l *load) waitAnswered(t testing.TB, n int64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for want := l.done.Load() + n; l.done.Load() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d operations were not answered within a minute", n)
		}
	}
}
