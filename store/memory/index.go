package memory

import (
	"context"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/typedsession/typedsession/store"
)

// index finds the sessions of a subject. It is divided into parts by subject so
// that logins of different subjects seldom wait for one another.
//
// It holds exactly the sessions that the shards hold: an index entry is added
// and removed under the lock of its session's shard. A method that needs both
// locks takes the shard's first.
type index [shardCount]part

// part is the index of some of the subjects.
type part struct {
	mu          sync.Mutex
	subjects    map[string]*subject // those with sessions
	highWater   int                 // most subjects since the map was made
	revocations map[string]revocation
}

// subject is a subject that has sessions.
type subject struct {
	name     string // never changed, so that it can be read without the lock
	sessions idSet
}

// String returns the name. A nil subject is that of anonymous sessions.
func (s *subject) String() string {
	if s == nil {
		return ""
	}
	return s.name
}

// revocation is what the index keeps of a RevokeSubject.
type revocation struct {
	before int64 // logins at or before are refused; Unix milliseconds
	until  int64 // when the revocation can be forgotten
}

var _ store.SubjectIndex = (*Store)(nil)

// of returns the part of a subject.
func (x *index) of(name string) *part {
	return &x[crc32.ChecksumIEEE([]byte(name))%shardCount]
}

// enter prepares the index for a write of rec over an entry whose subject is
// old: it adds an index entry if the subject changes and refuses a login that a
// revocation covers. It returns the subject of the new entry. The caller holds
// the lock of the shard until it has stored the new entry: a RevokeSubject that
// comes after enter finds the ID and waits for that lock.
func (x *index) enter(rec *store.Record, old *subject, now int64) (*subject, error) {
	if rec.Subject == "" {
		return nil, nil
	}
	same := old.String() == rec.Subject
	if same && rec.LoginSince.IsZero() {
		return old, nil
	}
	p := x.of(rec.Subject)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses(rec, now) {
		return nil, store.ErrRevoked
	}
	if same {
		return old, nil
	}
	return p.add(rec.Subject, rec.ID), nil
}

// leave removes the index entry of a session. The caller holds the lock of its
// shard.
func (x *index) leave(s *subject, id store.ID) {
	if s == nil {
		return
	}
	p := x.of(s.name)
	p.mu.Lock()
	defer p.mu.Unlock()
	s.sessions.remove(id)
	if s.sessions.len() == 0 {
		delete(p.subjects, s.name)
		p.shrink()
	}
}

// refuses reports whether rec is a login that a revocation covers. The caller
// holds the lock.
func (p *part) refuses(rec *store.Record, now int64) bool {
	if rec.LoginSince.IsZero() {
		return false
	}
	r, ok := p.revocations[rec.Subject]
	return ok && now < r.until && rec.LoginSince.UnixMilli() <= r.before
}

// add adds the index entry of a session. The caller holds the lock.
func (p *part) add(name string, id store.ID) *subject {
	s := p.subjects[name]
	if s == nil {
		if p.subjects == nil {
			p.subjects = make(map[string]*subject)
		}
		// The caller's string may be a part of a large one.
		s = &subject{name: strings.Clone(name)}
		p.subjects[s.name] = s
		p.highWater = max(p.highWater, len(p.subjects))
	}
	s.sessions.add(id)
	return s
}

// ids returns the IDs of the sessions of a subject. The caller holds the lock.
func (p *part) ids(name string) []store.ID {
	if s := p.subjects[name]; s != nil {
		return s.sessions.all()
	}
	return nil
}

// revoke keeps the time of a revocation, and removes some that are over. The
// caller holds the lock.
func (p *part) revoke(name string, before, now int64) {
	p.dropRevocations(now, scanPerCreate)
	r, ok := p.revocations[name]
	if !ok {
		if p.revocations == nil {
			p.revocations = make(map[string]revocation)
		}
		name = strings.Clone(name)
		r.before = before
	}
	p.revocations[name] = revocation{
		before: max(before, r.before),
		until:  now + store.TombstoneLife.Milliseconds(),
	}
}

// dropRevocations removes those that are over among some of the revocations.
// The caller holds the lock.
func (p *part) dropRevocations(now int64, limit int) {
	for name, r := range p.revocations {
		if limit--; limit < 0 {
			return
		}
		if r.until <= now {
			delete(p.revocations, name)
		}
	}
}

// shrink rebuilds the map when few subjects are left, see shard.shrink. The
// caller holds the lock.
func (p *part) shrink() {
	if p.highWater <= minShrink || len(p.subjects) >= p.highWater/4 {
		return
	}
	old := p.subjects
	p.subjects = make(map[string]*subject, len(old))
	maps.Copy(p.subjects, old)
	p.highWater = len(old)
}

// ListSessions implements [store.SubjectIndex].
func (st *Store) ListSessions(_ context.Context, subject string) ([]store.Record, error) {
	p := st.index.of(subject)
	p.mu.Lock()
	ids := p.ids(subject)
	p.mu.Unlock()
	var recs []store.Record
	for _, id := range ids {
		switch e := st.get(id); {
		case e.isLive(time.Now().UnixMilli()):
			if e.subject.String() == subject {
				recs = append(recs, e.record())
			}
		case e.isSession():
			st.removeExpired(id)
		}
	}
	return recs, nil
}

// RevokeSubject implements [store.SubjectIndex].
func (st *Store) RevokeSubject(_ context.Context, subject string, before time.Time, except ...store.ID) ([]store.ID, error) {
	p := st.index.of(subject)
	p.mu.Lock()
	p.revoke(subject, before.UnixMilli(), time.Now().UnixMilli())
	ids := p.ids(subject)
	p.mu.Unlock()
	// A login that was accepted before the revocation holds its shard's lock
	// until its session can be deleted here.
	return slices.DeleteFunc(ids, func(id store.ID) bool {
		return slices.Contains(except, id) || !st.deleteOf(subject, id)
	}), nil
}

// deleteOf deletes a session if it is live and the subject's, and reports
// whether it was.
func (st *Store) deleteOf(subject string, id store.ID) bool {
	sh := st.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, now := sh.get(id), time.Now().UnixMilli()
	if !e.isLive(now) || e.subject.String() != subject {
		return false
	}
	st.leaveTombstone(sh, e, now)
	return true
}
