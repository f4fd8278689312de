package memory

import (
	"sync"
	"sync/atomic"

	"github.com/typedsession/typedsession/store"
)

// subscriptions are the channels to be closed when a record changes. Most
// programs have none, so that a write only looks at the count.
type subscriptions struct {
	count atomic.Int64
	mu    sync.Mutex
	byID  map[store.ID]map[chan struct{}]struct{}
}

var _ store.Notifier = (*Store)(nil)

// Subscribe implements [store.Notifier].
func (st *Store) Subscribe(id store.ID) (changed <-chan struct{}, stop func()) {
	s := &st.subscriptions
	c := make(chan struct{})
	// Counted first: a write that begins after Subscribe has returned sees it.
	s.count.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[store.ID]map[chan struct{}]struct{})
	}
	if s.byID[id] == nil {
		s.byID[id] = make(map[chan struct{}]struct{})
	}
	s.byID[id][c] = struct{}{}
	return c, func() { s.remove(id, c) }
}

// remove removes a channel that has not been closed.
func (s *subscriptions) remove(id store.ID, c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byID[id][c]; !ok {
		return
	}
	delete(s.byID[id], c)
	if len(s.byID[id]) == 0 {
		delete(s.byID, id)
	}
	s.count.Add(-1)
}

// notify closes the channels of a record.
func (s *subscriptions) notify(id store.ID) {
	if s.count.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.byID[id] {
		close(c)
		s.count.Add(-1)
	}
	delete(s.byID, id)
}
