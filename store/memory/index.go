package memory

import (
	"context"
	"sync"
	"time"

	"github.com/typedsession/typedsession/session"
)

// index tells which sessions belong to a subject. It is asked at logins and by
// account pages, so one lock is enough. No shard's lock is taken while it is
// held; the other way round it may be.
type index struct {
	mu       sync.Mutex
	subjects map[string]map[session.ID]int64 // until, in Unix milliseconds
}

var _ session.SubjectIndex = (*Store)(nil)

// Index implements [session.SubjectIndex].
func (st *Store) Index(_ context.Context, subject string, id session.ID, until time.Time) error {
	x := &st.index
	x.mu.Lock()
	defer x.mu.Unlock()
	x.examine(time.Now().UnixMilli())
	ids := x.subjects[subject]
	if ids == nil {
		if x.subjects == nil {
			x.subjects = make(map[string]map[session.ID]int64)
		}
		ids = make(map[session.ID]int64)
		x.subjects[subject] = ids
	}
	ids[id] = until.UnixMilli()
	return nil
}

// Unindex implements [session.SubjectIndex].
func (st *Store) Unindex(_ context.Context, subject string, id session.ID) error {
	st.index.remove(subject, id)
	return nil
}

// Indexed implements [session.SubjectIndex].
func (st *Store) Indexed(_ context.Context, subject string) ([]session.Indexed, error) {
	x := &st.index
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now().UnixMilli()
	var indexed []session.Indexed
	for id, until := range x.subjects[subject] {
		if now < until {
			indexed = append(indexed, session.Indexed{ID: id, Until: time.UnixMilli(until)})
		}
	}
	return indexed, nil
}

// remove strikes a session off.
func (x *index) remove(subject string, id session.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if ids, ok := x.subjects[subject]; ok {
		delete(ids, id)
		if len(ids) == 0 {
			delete(x.subjects, subject)
		}
	}
}

// examine looks at some subjects, and strikes off the sessions whose time has
// passed. The others leave when they are removed, so these are few: logins that
// failed half way. The caller holds the lock.
func (x *index) examine(now int64) {
	left := examined
	for subject, ids := range x.subjects {
		for id, until := range ids {
			if until <= now {
				delete(ids, id)
			}
			if left--; left <= 0 {
				break
			}
		}
		if len(ids) == 0 {
			delete(x.subjects, subject)
		}
		if left <= 0 {
			return
		}
	}
}
