package memory

import (
	"sync"
	"sync/atomic"

	"github.com/typedsession/typedsession/store"
)

// watchers are those who want to know when a record changes. Most programs have
// none, so that a write costs them no more than to see that.
type watchers struct {
	count atomic.Int64
	mu    sync.Mutex
	byID  map[store.ID]map[chan struct{}]struct{}
}

var _ store.Notifier = (*Store)(nil)

// Subscribe implements [store.Notifier].
func (st *Store) Subscribe(id store.ID) (changed <-chan struct{}, stop func()) {
	w := &st.watchers
	c := make(chan struct{})
	w.count.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = make(map[store.ID]map[chan struct{}]struct{})
	}
	if w.byID[id] == nil {
		w.byID[id] = make(map[chan struct{}]struct{})
	}
	w.byID[id][c] = struct{}{}
	return c, sync.OnceFunc(func() { w.forget(id, c) })
}

// forget removes a watcher that was not told.
func (w *watchers) forget(id store.ID, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.byID[id][c]; !ok {
		return
	}
	delete(w.byID[id], c)
	if len(w.byID[id]) == 0 {
		delete(w.byID, id)
	}
	w.count.Add(-1)
}

// tell tells those who watch a record that it has changed.
func (w *watchers) tell(id store.ID) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.byID[id] {
		close(c)
		w.count.Add(-1)
	}
	delete(w.byID, id)
}
