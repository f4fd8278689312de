package rueidis

import (
	"context"
	"time"

	"github.com/typedsession/typedsession/store"
)

// The index of a subject is one sorted set. A member is a session's ID, its score
// the time at which the entry is removed. One more member is the subject's
// latest revocation: see refuseRevoked. Since it is in the same key as the
// entries, one script on one key can look at it and add an entry, also in a
// cluster. There, members are pending logins as well: see [entry.pending].
//
// Every entry is added with the write that makes the session the subject's, or
// before it, and is removed after the session has been deleted. So the index
// covers the live sessions at all times. It may also name a session of another
// subject, which its record tells.

var _ store.SubjectIndex = (*Store)(nil)

// entry is the entry of one session in the index of its subject.
type entry struct {
	index string // key
	id    store.ID
	until time.Time
	since time.Time // when the request of a login arrived; zero for no login
}

// entryOf returns the entry that a write of rec has to add, or nil. An update
// that neither logs in nor extends the session leaves the index alone.
func (st *Store) entryOf(rec *store.Record, creates bool) *entry {
	if rec.Subject == "" || !creates && rec.IndexUntil.IsZero() && rec.LoginSince.IsZero() {
		return nil
	}
	e := &entry{index: st.indexKey(rec.Subject), id: rec.ID, until: rec.Expires, since: rec.LoginSince}
	if rec.IndexUntil.After(e.until) {
		e.until = rec.IndexUntil
	}
	return e
}

// args returns the arguments of the scripts that add an entry: ID; until when;
// the login's time, empty for none; the present time; the lifetime.
func (e *entry) args() []string {
	since := ""
	if !e.since.IsZero() {
		since = milliseconds(e.since.UnixMilli())
	}
	return []string{
		string(e.id[:]), milliseconds(e.until.UnixMilli()), since,
		milliseconds(time.Now().UnixMilli()), lifetime(e.until),
	}
}

func (st *Store) indexKey(subject string) string { return st.opts.Prefix + "subject:" + subject }

// drop removes sessions that are deleted from an index. If that fails the index
// names too many until their time has come, which does no harm: callers ignore
// the error, and replicas are not waited for.
func (st *Store) drop(op context.Context, index string, ids ...store.ID) error {
	if len(ids) == 0 {
		return nil
	}
	members := make([]string, len(ids))
	for i, id := range ids {
		members[i] = string(id[:])
	}
	return st.client.Do(op, st.client.B().Zrem().Key(index).Member(members...).Build()).Error()
}
