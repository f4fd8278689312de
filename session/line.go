package session

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// lines serialise those requests of this process that write a session whose
// writes have met a conflict. If all tried again at once they would defeat each
// other, so that nearly all their work is thrown away; and if those that have
// met none yet wrote past the others, these might never have their turn. A
// session without conflicts only looks at its line, and requests of two
// sessions that share one only wait for each other when both have conflicts.
type lines [64]line

func newLines() *lines {
	l := new(lines)
	for i := range l {
		l[i].head = make(chan struct{}, 1)
	}
	return l
}

// of returns the line of a session.
func (l *lines) of(id ID) *line { return &l[id[0]%byte(len(l))] }

// line lets in one request at a time.
type line struct {
	head chan struct{} // full while one is in
	id   atomic.Uint64 // of its session, the first half; 0 while nobody is in
	left atomic.Uint64 // how many have been in
}

// lineTimeout bounds the wait in a line that does not move. Who is in front may
// be waiting for who is behind, where a transaction saves another session.
const lineTimeout = time.Second

// serves reports whether a request of this session is in.
func (l *line) serves(id ID) bool { return l.id.Load() == binary.BigEndian.Uint64(id[:]) }

// enter waits to be let in. leave is to be called by whoever got in, and by
// nobody else; who did not may go on all the same.
func (l *line) enter(ctx context.Context, id ID) (in bool, err error) {
	timer := time.NewTimer(lineTimeout)
	defer timer.Stop()
	for left := l.left.Load(); ; {
		select {
		case l.head <- struct{}{}:
			l.id.Store(binary.BigEndian.Uint64(id[:]))
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-timer.C:
		}
		now := l.left.Load()
		if now == left {
			return false, nil
		}
		left = now
		timer.Reset(lineTimeout)
	}
}

// leave lets in the next one. It need not be the next to write: a request that
// has met no conflict may write before a waiting goroutine runs, which is faster
// than to change the goroutine for each write.
func (l *line) leave() {
	l.id.Store(0)
	l.left.Add(1)
	<-l.head
}
