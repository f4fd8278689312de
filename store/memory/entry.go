package memory

import (
	"bytes"
	"time"

	"github.com/typedsession/typedsession/store"
)

// entry is what a shard holds of one ID, by value: a session or the tombstone
// of a deleted one.
type entry struct {
	id      store.ID
	rev     store.Rev // 0: a tombstone
	expires int64     // Unix milliseconds
	subject *subject  // nil: no subject
	payload []byte
}

// newEntry returns the entry of a record, without the subject. The payload is
// copied so that an entry takes no more memory than it needs: the caller's slice
// may be a part of a large buffer.
func newEntry(rec store.Record) entry {
	e := entry{id: rec.ID, rev: rec.Rev, expires: rec.Expires.UnixMilli()}
	if len(rec.Payload) > 0 {
		e.payload = bytes.Clone(rec.Payload)
	}
	return e
}

// newTombstone returns the tombstone of a session that is deleted now.
func newTombstone(id store.ID, now int64) entry {
	return entry{id: id, expires: now + store.TombstoneLife.Milliseconds()}
}

// record returns the record of a session. It shares the payload, which is
// read-only.
func (e entry) record() store.Record {
	return store.Record{
		ID:      e.id,
		Rev:     e.rev,
		Expires: time.UnixMilli(e.expires),
		Subject: e.subject.String(),
		Payload: e.payload,
	}
}

// isSession reports whether the entry is a session, expired or not.
func (e entry) isSession() bool { return e.rev != 0 }

// isLive reports whether the entry is a session that has not expired.
func (e entry) isLive(now int64) bool { return e.isSession() && now < e.expires }

// notFound returns the error of a method that finds e, which is not live.
func (e entry) notFound(now int64) error {
	if e.isSession() || now >= e.expires {
		return store.ErrNotFound
	}
	return &store.DeletedError{At: time.UnixMilli(e.expires).Add(-store.TombstoneLife)}
}
