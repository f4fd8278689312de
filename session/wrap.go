package session

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// sessionKey is the context key under which From finds a session of T.
type sessionKey[T any] struct{}

// request is all that a request needs, in one allocation: the context that
// carries the session, the session, and the response that commits it.
type request[T any] struct {
	context.Context
	session  Session[T]
	response response
}

// Value implements [context.Context].
func (q *request[T]) Value(key any) any {
	switch key := key.(type) {
	case sessionKey[T]:
		return &q.session
	case *Manager[T]:
		if key == q.session.m {
			return &q.session
		}
	}
	return q.Context.Value(key)
}

// Format implements [fmt.Formatter]. Contexts get printed, and by reflection
// that would read the session behind its locks and show the token.
func (q *request[T]) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session context")
}

// Wrap returns a handler that serves next with a session in the context of each
// request. Put it outside of everything that uses the session, once: inside of
// itself it does nothing. It starts no goroutine and costs a request that does
// not use its session no call of the store.
func (m *Manager[T]) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if ctx.Value(m) != nil {
			next.ServeHTTP(w, r)
			return
		}
		q := &request[T]{Context: ctx}
		r = r.WithContext(q)
		q.session.m, q.session.request = m, r
		q.session.arrived.Store(time.Now().UnixMilli())
		q.response.init(w, q)
		completed := false
		defer func() {
			if !completed {
				// A panic commits nothing. It is not recovered, so that it goes
				// on unchanged.
				q.response.abandon()
			}
		}()
		if m.core.eager && q.session.load(q).err != nil {
			q.session.from(q)
			_ = q.response.commit() // answered with it
		} else {
			next.ServeHTTP(q.response.writer(), r)
			q.response.finish()
		}
		completed = true
	})
}

// commit implements committer.
func (q *request[T]) commit(header http.Header) error {
	// Either this finds what another goroutine is loading, or that finds this.
	q.session.begun.Store(true)
	l := q.session.live.Load()
	if l == nil {
		return nil // nobody has looked at the session yet
	}
	returned := false
	defer func() {
		if !returned {
			// An update has panicked on a fresher state, for instance. Whoever
			// recovers that inside of us may answer, but nothing is saved.
			q.session.over.Store(true)
		}
	}()
	if !q.session.lock() {
		panic("session: the response was written inside Update or Transact")
	}
	defer q.session.unlock(q)
	err := l.commit(q.Context)
	if err == nil {
		l.announce(header)
	} else if l.tell == tellEnd {
		l.tell = tellNothing // the record may be there still
	}
	l.begun, l.reseal, returned = true, false, true
	return err
}

// refuse implements committer.
func (q *request[T]) refuse(w http.ResponseWriter, err error) {
	q.session.turn.Lock()
	// The secret that an earlier Save has renewed is the only one that counts.
	q.session.live.Load().announce(w.Header())
	q.session.turn.Unlock()
	noStore(w.Header())
	answered := false
	defer func() {
		if !answered { // it has panicked, and somebody may recover that
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	q.session.m.core.errorHandler(w, q.session.request, err)
	answered = true
}

// finish implements committer.
func (q *request[T]) finish(save bool) {
	l := q.session.live.Load()
	if l == nil {
		q.session.over.Store(true)
		return
	}
	q.session.turn.Lock()
	defer q.session.unlock(q)
	if save && !q.session.over.Load() && l.err == nil && (l.wants() || l.due()) {
		_ = l.commit(q.Context) // reported by an event
	}
	q.session.over.Store(true)
}
