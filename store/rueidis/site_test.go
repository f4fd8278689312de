package rueidis_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// site uses a store under test as a web application does through a session
// manager: workers change sessions at random, each change on the record that was
// loaded, and again on the current record after a conflict. A session counts its
// changes.
type site struct {
	t         *testing.T
	st        *rueidis.Store
	sessions  []*counted
	conflicts atomic.Int64
}

// counted is one session and what was said about it.
type counted struct {
	id      store.ID
	acked   atomic.Int64 // changes that succeeded
	unknown atomic.Int64 // changes whose outcome the store could not tell
	leaving atomic.Bool  // a deletion was begun
	ended   atomic.Bool  // and succeeded

	mu       sync.Mutex
	failed   time.Time // the last failure
	restored time.Time // the first success after it
}

const (
	workers  = 32
	sessions = 100
	leavers  = 10 // of the sessions are deleted in between

	// maxRequests bounds a test on a machine of any speed.
	maxRequests = 20_000

	// maxWait bounds one change: its load takes no longer than the store's
	// default Timeout, nor does its update, and there may be a few of these
	// when others write the same session; and the machine is slow.
	maxWait = 10 * time.Second
)

// newSite creates the sessions of a site.
func newSite(t *testing.T, st *rueidis.Store) *site {
	t.Helper()
	s := &site{t: t, st: st}
	for range sessions {
		rec := newCounter()
		rec.Expires = time.UnixMilli(time.Now().Add(time.Hour).UnixMilli())
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		s.sessions = append(s.sessions, &counted{id: rec.ID})
	}
	return s
}

// add changes one session.
func (s *site) add(v *counted) {
	wasEnded, wasLeaving := v.ended.Load(), v.leaving.Load
	conflicts, err := increment(s.t.Context(), s.st, v.id)
	s.conflicts.Add(conflicts)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if !wasLeaving() {
			s.t.Errorf("a live session was not found: %v", err)
		}
	case isContract(err):
		s.t.Errorf("increment: %v", err)
	case err != nil:
		v.unknown.Add(1)
		v.mu.Lock()
		v.failed, v.restored = time.Now(), time.Time{}
		v.mu.Unlock()
		return
	case wasEnded:
		s.t.Error("a session that was deleted is back")
	default:
		v.acked.Add(1)
	}
	v.mu.Lock()
	if !v.failed.IsZero() && v.restored.IsZero() {
		v.restored = time.Now()
	}
	v.mu.Unlock()
}

// leave deletes a session, trying until that succeeds.
func (s *site) leave(v *counted) {
	v.leaving.Store(true)
	for {
		err := s.st.Delete(s.t.Context(), v.id)
		switch {
		case err == nil:
			v.ended.Store(true)
			return
		case isContract(err):
			s.t.Errorf("Delete: %v", err)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// under has all workers change sessions at random while fault runs, and for a
// while before and after. Some sessions are deleted at the height of it. Then it
// compares the counters with what the store has said.
func (s *site) under(fault func()) {
	s.t.Helper()
	var requests, slowest atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for requests.Add(1) <= maxRequests {
				select {
				case <-stop:
					return
				default:
				}
				began := time.Now()
				s.add(s.sessions[rand.IntN(sessions)])
				took := int64(time.Since(began))
				for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); old = slowest.Load() {
				}
				time.Sleep(time.Millisecond) // so that maxRequests outlast the fault
			}
		})
	}
	for _, v := range s.sessions[:leavers] {
		wg.Go(func() {
			time.Sleep(300 * time.Millisecond)
			s.leave(v)
		})
	}
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	fault()
	healed := time.Now()
	time.Sleep(300 * time.Millisecond)
	close(stop)
	wg.Wait()
	s.settle(began, healed, time.Duration(slowest.Load()))
}

// settle waits until every session can be loaded, and compares its counter with
// what the store has said about its changes.
func (s *site) settle(began, healed time.Time, slowest time.Duration) {
	s.t.Helper()
	var acked, unknown, extra, down int64
	var recovery time.Duration
	for i, v := range s.sessions {
		n, ok := s.count(v)
		if !ok {
			s.t.Errorf("session %d does not come back", i)
			continue
		}
		acked += v.acked.Load()
		unknown += v.unknown.Load()
		if !v.failed.IsZero() {
			down++
			if v.restored.IsZero() {
				v.restored = time.Now()
			}
			recovery = max(recovery, v.restored.Sub(began))
		}
		extra += s.compare(i, v, n)
	}
	if slowest > maxWait {
		s.t.Errorf("a change took %v", slowest)
	}
	s.t.Logf("%d successes, %d unknown outcomes (%d of them were made), %d conflicts resolved, "+
		"%d of %d sessions saw an error, fault lasted %d ms, all well %d ms after it began, slowest change %d ms",
		acked, unknown, extra, s.conflicts.Load(), down, sessions, healed.Sub(began).Milliseconds(),
		recovery.Milliseconds(), slowest.Milliseconds())
}

// compare returns how many changes of unknown outcome a session has counted.
func (s *site) compare(i int, v *counted, n int64) int64 {
	s.t.Helper()
	switch acked, unknown := v.acked.Load(), v.unknown.Load(); {
	case v.ended.Load():
		if n >= 0 {
			s.t.Errorf("session %d was deleted and is back", i)
		}
	case n < 0:
		s.t.Errorf("session %d is gone", i)
	case n < acked:
		s.t.Errorf("session %d counted %d, but %d changes succeeded", i, n, acked)
	case n > acked+unknown:
		s.t.Errorf("session %d counted %d, but there were %d successes and %d unknown outcomes", i, n, acked, unknown)
	default:
		return n - acked
	}
	return 0
}

// count returns a session's counter, -1 if there is no such session, and
// whether it could be loaded at all.
func (s *site) count(v *counted) (int64, bool) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		rec, err := s.st.LoadUncached(s.t.Context(), v.id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return -1, true
		case err == nil:
			return int64(binary.BigEndian.Uint64(rec.Payload)), true
		}
	}
	return 0, false
}

// ids returns the IDs of some of the sessions.
func (s *site) ids(n int) []store.ID {
	var ids []store.ID
	for v := range slices.Values(s.sessions[:n]) {
		ids = append(ids, v.id)
	}
	return ids
}
