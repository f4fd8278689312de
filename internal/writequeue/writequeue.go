// Package writequeue makes requests of one process that write one session take
// turns once their writes have conflicted. If all of them retried at once they
// would defeat each other, and most of their work would be thrown away; and if
// requests without a conflict wrote past those that wait, these might never
// write. A session without conflicts only looks at its queue. Requests of two
// sessions that share a queue wait for each other only if both have conflicts.
package writequeue

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Queues are the queues of all sessions.
type Queues [64]Queue

// New returns empty queues.
func New() *Queues {
	q := new(Queues)
	for i := range q {
		q[i].slot = make(chan struct{}, 1)
	}
	return q
}

// Of returns the queue of a session.
func (q *Queues) Of(id [16]byte) *Queue { return &q[id[0]%byte(len(q))] }

// Queue admits one request at a time. It is safe for concurrent use.
type Queue struct {
	slot     chan struct{} // full while a request is in
	holder   atomic.Uint64 // the first half of the ID of its session; 0 if no request is in
	departed atomic.Uint64 // how many requests have left
}

// timeout bounds the wait in a queue that does not move. The request in front
// may itself be waiting for one behind it, if a transaction saves another
// session.
const timeout = time.Second

// Busy reports whether a request of this session is in.
func (q *Queue) Busy(id [16]byte) bool { return q.holder.Load() == binary.BigEndian.Uint64(id[:]) }

// Enter waits until the request is in. If the queue does not move for a second,
// Enter returns false without an error and the request may go on without a turn.
// Returns ctx's error if ctx ends. Call Leave if and only if Enter returned true.
func (q *Queue) Enter(ctx context.Context, id [16]byte) (in bool, err error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for departed := q.departed.Load(); ; {
		select {
		case q.slot <- struct{}{}:
			q.holder.Store(binary.BigEndian.Uint64(id[:]))
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-timer.C:
		}
		now := q.departed.Load()
		if now == departed {
			return false, nil
		}
		departed = now
		timer.Reset(timeout)
	}
}

// Leave admits the next request. That one need not be the next to write: a
// request without a conflict may write before a waiting goroutine runs, which is
// faster than to switch goroutines for each write.
func (q *Queue) Leave() {
	q.holder.Store(0)
	q.departed.Add(1)
	<-q.slot
}
