package memory

import (
	"context"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/typedsession/typedsession/session"
)

// index tells which sessions belong to a subject, in parts that are swept one at
// a time. No shard's lock is taken while a part's is held; the other way round
// it may be.
type index [shardCount]part

// part is the index of some of the subjects.
type part struct {
	mu       sync.Mutex
	subjects map[string][]noted // mostly of one session
	peak     int                // most subjects since the map was made
}

// noted is a session of a subject.
type noted struct {
	id    session.ID
	until int64 // Unix milliseconds
}

var _ session.SubjectIndex = (*Store)(nil)

// of returns the part of a subject.
func (x *index) of(subject string) *part {
	return &x[crc32.ChecksumIEEE([]byte(subject))%shardCount]
}

// Index implements [session.SubjectIndex].
func (st *Store) Index(_ context.Context, subject string, id session.ID, until time.Time) error {
	p := st.index.of(subject)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.examine(time.Now().UnixMilli(), examined)
	p.put(subject, noted{id, until.UnixMilli()})
	return nil
}

// Unindex implements [session.SubjectIndex].
func (st *Store) Unindex(_ context.Context, subject string, id session.ID) error {
	st.index.of(subject).strike(subject, func(n noted) bool { return n.id == id })
	return nil
}

// Indexed implements [session.SubjectIndex].
func (st *Store) Indexed(_ context.Context, subject string) ([]session.Indexed, error) {
	p := st.index.of(subject)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now().UnixMilli()
	var indexed []session.Indexed
	for _, n := range p.subjects[subject] {
		if now < n.until {
			indexed = append(indexed, session.Indexed{ID: n.id, Until: time.UnixMilli(n.until)})
		}
	}
	return indexed, nil
}

// put notes a session, anew where it is noted already. The caller holds the lock.
func (p *part) put(subject string, n noted) {
	all := p.subjects[subject]
	if at := slices.IndexFunc(all, func(old noted) bool { return old.id == n.id }); at >= 0 {
		all[at] = n
		return
	}
	if p.subjects == nil {
		p.subjects = make(map[string][]noted)
	}
	p.subjects[subject] = append(all, n)
	p.peak = max(p.peak, len(p.subjects))
}

// strike strikes off those sessions of a subject that which reports.
func (p *part) strike(subject string, which func(noted) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all, ok := p.subjects[subject]; ok {
		p.keep(subject, len(all), slices.DeleteFunc(all, which))
		p.shrink()
	}
}

// keep keeps those of the sessions of a subject that are left of before. The
// caller holds the lock.
func (p *part) keep(subject string, before int, left []noted) {
	switch len(left) {
	case before:
	case 0:
		delete(p.subjects, subject)
	default:
		p.subjects[subject] = left
	}
}

// examine looks at some sessions, and strikes off those whose time has passed.
// Most leave when they are removed, so these are few: logins that failed half
// way. The caller holds the lock.
func (p *part) examine(now int64, limit int) {
	for subject, all := range p.subjects {
		p.keep(subject, len(all), slices.DeleteFunc(all, func(n noted) bool { return n.until <= now }))
		if limit -= len(all); limit <= 0 {
			break
		}
	}
	p.shrink()
}

// shrink moves the subjects elsewhere when few are left, see shard.shrink. The
// caller holds the lock.
func (p *part) shrink() {
	if p.peak <= smallest || len(p.subjects) >= p.peak/4 {
		return
	}
	old := p.subjects
	p.subjects = make(map[string][]noted, len(old))
	maps.Copy(p.subjects, old)
	p.peak = len(old)
}
