package memory

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/typedsession/typedsession/session"
)

// entry is what a shard holds of one session, by value. Subject and payload share
// one allocation and one pointer to it.
type entry struct {
	id      session.ID
	data    string // length of the subject as a uvarint, subject, payload
	rev     session.Rev
	expires int64 // Unix milliseconds
}

// newEntry copies a record into an entry.
func newEntry(rec session.Record) entry {
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], uint64(len(rec.Subject)))
	var data strings.Builder
	data.Grow(n + len(rec.Subject) + len(rec.Payload))
	data.Write(prefix[:n])
	data.WriteString(rec.Subject)
	data.Write(rec.Payload)
	return entry{rec.ID, data.String(), rec.Rev, rec.Expires.UnixMilli()}
}

// record returns the record of a session. Its payload is a copy. Its subject is
// not: nobody can change a string.
func (e entry) record() session.Record {
	subject, payload := e.split()
	return session.Record{
		ID:      e.id,
		Rev:     e.rev,
		Expires: time.UnixMilli(e.expires),
		Subject: subject,
		Payload: []byte(payload),
	}
}

// split returns the parts of a session's data.
func (e entry) split() (subject, payload string) {
	head := e.data[:min(len(e.data), binary.MaxVarintLen64)]
	size, n := binary.Uvarint([]byte(head)) // the copy stays on the stack
	end := n + int(size)
	return e.data[n:end], e.data[end:]
}

// isSession reports whether the entry is a session, expired or not, rather than
// nothing or the mark of a deleted one: neither of those has data.
func (e entry) isSession() bool { return e.data != "" }

// isLive reports whether the entry is a session that has not expired.
func (e entry) isLive(now int64) bool { return e.isSession() && now < e.expires }
