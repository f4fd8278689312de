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
		l[i].turns = make(chan *turn, 1)
		l[i].turns <- nil
	}
	return l
}

// of returns the line of a session.
func (l *lines) of(id ID) *line { return &l[id[0]%byte(len(l))] }

// line lets in one request at a time.
type line struct {
	turns   chan *turn // holds the last one, or nil, while nobody is in
	waiting atomic.Int32
	id      atomic.Uint64 // of the session of who is in: its first half; 0 for nobody
}

// turn is what somebody in the line has stored, and when that write began.
type turn struct {
	rec   Record
	began time.Time
}

// lineTimeout bounds the wait in a line. Who is in front may be waiting for who
// is behind, where a transaction saves another session.
const lineTimeout = time.Second

// serves reports whether a request of this session is in.
func (l *line) serves(id ID) bool { return l.id.Load() == binary.BigEndian.Uint64(id[:]) }

// enter waits to be let in, and then returns what has been stored of the session
// since enter was called, or nil where that is not known. leave is to be called
// by whoever got in, and by nobody else; who did not may go on all the same.
func (l *line) enter(ctx context.Context, id ID) (in bool, since *Record, err error) {
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	arrived := time.Now()
	timer := time.NewTimer(lineTimeout)
	defer timer.Stop()
	select {
	case last := <-l.turns:
		l.id.Store(binary.BigEndian.Uint64(id[:]))
		// What was stored before may be older than what this request has
		// loaded, and its secret another one.
		if last != nil && last.rec.ID == id && last.began.After(arrived) {
			since = &last.rec
		}
		return true, since, nil
	case <-timer.C:
		return false, nil, nil
	case <-ctx.Done():
		return false, nil, ctx.Err()
	}
}

// leave lets in the next one. It need not be the next to write: a request that
// has met no conflict may write before a waiting goroutine runs, which is faster
// than to change the goroutine for each write.
func (l *line) leave(last *turn) {
	l.id.Store(0)
	if l.waiting.Load() == 0 {
		last = nil // or it would be kept for nobody
	}
	l.turns <- last
}
