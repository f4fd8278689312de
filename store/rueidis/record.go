package rueidis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/typedsession/typedsession/session"
)

// The value of a key is one string, since a hash of the same fields costs 160
// bytes more memory and three times the allocations to read. Integers are big
// endian.
//
//	 0  1  kind: live, or tombstone, which is the whole value
//	 1  8  revision
//	 9  8  expiry, Unix milliseconds
//	17 32  the four revisions before this one, newest first, zero for none
//	49  2  length of the subject
//	51     subject, then payload to the end
//
// The kinds are the bytes that neither begin a UTF-8 text nor, in the case of
// live, any MessagePack value, so that what another program wrote under the
// key is not taken for a record. An incompatible layout takes another kind,
// and is foreign data to a program that does not know it.
const (
	kindLive      = 0xC1
	kindTombstone = 0xC0

	revAt     = 1
	expiresAt = 9
	earlierAt = 17
	subjectAt = 49
	bodyAt    = 51

	// earlierRevs is how many writes by others may come between a write whose
	// answer was lost and its repetition, for the repetition to find out
	// whether the first one was made. See [Store.Update].
	earlierRevs = (subjectAt - earlierAt) / 8

	// maxValue bounds a value. A session is read on every request that looks
	// at it, by a server that does one thing at a time: a value of this size
	// holds up everybody else's commands for about a millisecond, and a
	// thousand such requests a second fill a 10 Gbit/s link.
	maxValue   = 1 << 20
	maxSubject = 1<<16 - 1
)

// stored is a record as it stands in the database.
type stored struct {
	session.Record
	earlier [earlierRevs]session.Rev
}

// follows reports whether rev is one of the revisions just before this one.
func (s *stored) follows(rev session.Rev) bool {
	return rev != 0 && slices.Contains(s.earlier[:], rev)
}

// errForeign means that a value was not written by this package.
var errForeign = errors.New("not a session record")

// decode reads the value of id's key. The payload is a part of value. It
// returns [session.ErrNotFound] for a tombstone.
func decode(id session.ID, value []byte) (stored, error) {
	if len(value) == 1 && value[0] == kindTombstone {
		return stored{}, session.ErrNotFound
	}
	if len(value) < bodyAt || value[0] != kindLive {
		return stored{}, errForeign
	}
	expires := binary.BigEndian.Uint64(value[expiresAt:])
	body := value[bodyAt:]
	subject := int(binary.BigEndian.Uint16(value[subjectAt:]))
	if expires >= 1<<63 || subject > len(body) {
		return stored{}, errForeign
	}
	s := stored{Record: session.Record{
		ID:      id,
		Rev:     session.Rev(binary.BigEndian.Uint64(value[revAt:])),
		Expires: time.UnixMilli(int64(expires)),
		Subject: string(body[:subject]),
		Payload: slices.Clip(body[subject:]),
	}}
	for i := range s.earlier {
		s.earlier[i] = session.Rev(binary.BigEndian.Uint64(value[earlierAt+8*i:]))
	}
	return s, nil
}

// appendHead appends what precedes the earlier revisions.
func appendHead(b []byte, rec *session.Record) []byte {
	b = appendLive(b, rec.Rev)
	return binary.BigEndian.AppendUint64(b, uint64(rec.Expires.UnixMilli()))
}

// appendLive appends the kind and the revision, which Update compares.
func appendLive(b []byte, rev session.Rev) []byte {
	return binary.BigEndian.AppendUint64(append(b, kindLive), uint64(rev))
}

// appendBody appends what follows the earlier revisions.
func appendBody(b []byte, rec *session.Record) []byte {
	b = slices.Grow(b, len("00")+len(rec.Subject)+len(rec.Payload))
	b = binary.BigEndian.AppendUint16(b, uint16(len(rec.Subject)))
	b = append(b, rec.Subject...)
	return append(b, rec.Payload...)
}

// encode returns the whole value, as a new record has it.
func (s *stored) encode() []byte {
	b := make([]byte, 0, bodyAt+len(s.Subject)+len(s.Payload))
	b = appendHead(b, &s.Record)
	for _, rev := range s.earlier {
		b = binary.BigEndian.AppendUint64(b, uint64(rev))
	}
	return appendBody(b, &s.Record)
}

// checkSize returns an error that wraps [session.ErrTooLarge] when the record
// would not fit.
func checkSize(rec *session.Record) error {
	if len(rec.Subject) > maxSubject {
		return fmt.Errorf("rueidis: subject of %d bytes, at most %d: %w",
			len(rec.Subject), maxSubject, session.ErrTooLarge)
	}
	if size := bodyAt + len(rec.Subject) + len(rec.Payload); size > maxValue {
		return fmt.Errorf("rueidis: record of %d bytes, at most %d: %w",
			size, maxValue, session.ErrTooLarge)
	}
	return nil
}
