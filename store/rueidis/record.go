package rueidis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/typedsession/typedsession/store"
)

// The value of a key is one string, since a hash of the same fields costs 160
// bytes more memory and three times the allocations to read. Integers are big
// endian.
//
//	 0  1   kind: live, or tombstone
//	 1  8   revision
//	 9  8   expiry, Unix milliseconds
//	17  8   when it was written, Unix milliseconds
//	25  1   number n of earlier revisions
//	26  8n  earlier revisions, newest first
//	    2   length of the subject
//	        subject, then payload to the end
//
// A tombstone is its kind and eight bytes: when the record was deleted, Unix
// milliseconds. Those of older versions end after the kind.
//
// The earlier revisions are those that the last writes have replaced, one upon
// the other: see [Store.Update]. A write keeps them if the one before was less
// than ten seconds ago, so that most records have one.
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
	writtenAt = 17
	countAt   = 25
	earlierAt = 26

	tombstoneSize = 9

	revSize     = 8
	subjectSize = 2  // of its length
	maxEarlier  = 32 // revisions; updateScript has this number too

	// maxSize bounds subject and payload together. A session is read on every
	// request that looks at it, by a server that does one thing at a time: one
	// of this size holds up everybody else's commands for about a millisecond,
	// and a thousand such requests a second fill a 10 Gbit/s link.
	maxSize    = 1 << 20
	maxSubject = 1<<16 - 1
)

// stored is a record as it stands in the database.
type stored struct {
	store.Record
	written uint64 // Unix milliseconds
	earlier []byte // revisions
}

// newStored returns a record to be stored now.
func newStored(rec store.Record) *stored {
	return &stored{Record: rec, written: uint64(time.Now().UnixMilli())}
}

// follows reports whether rev is one of the revisions just before this one.
func (s *stored) follows(rev store.Rev) bool {
	for earlier := range slices.Chunk(s.earlier, revSize) {
		if store.Rev(binary.BigEndian.Uint64(earlier)) == rev {
			return true
		}
	}
	return false
}

// errForeign means that a value was not written by this package.
var errForeign = errors.New("not a session record")

// isTombstone reports whether a value is what a deleted record has left.
func isTombstone(value []byte) bool {
	return (len(value) == 1 || len(value) == tombstoneSize) && value[0] == kindTombstone
}

// newTombstone returns the value for a record that is deleted now.
func newTombstone(now time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindTombstone}, uint64(now.UnixMilli()))
}

// deleted returns the error that a tombstone stands for. The time is zero if an
// older version has written the tombstone.
func deleted(tombstone []byte) error {
	if len(tombstone) == 1 {
		return new(store.DeletedError)
	}
	return &store.DeletedError{At: time.UnixMilli(int64(binary.BigEndian.Uint64(tombstone[1:])))}
}

// decode reads the value of id's key. The payload is a part of value. It
// returns a [*store.DeletedError] for a tombstone.
func decode(id store.ID, value []byte) (stored, error) {
	if isTombstone(value) {
		return stored{}, deleted(value)
	}
	if len(value) < earlierAt || value[0] != kindLive || value[countAt] > maxEarlier {
		return stored{}, errForeign
	}
	expires := binary.BigEndian.Uint64(value[expiresAt:])
	bodyAt := earlierAt + revSize*int(value[countAt])
	if expires >= 1<<63 || len(value) < bodyAt+subjectSize {
		return stored{}, errForeign
	}
	revs, body := value[earlierAt:bodyAt], value[bodyAt+subjectSize:]
	subject := int(binary.BigEndian.Uint16(value[bodyAt:]))
	if subject > len(body) {
		return stored{}, errForeign
	}
	return stored{
		Record: store.Record{
			ID:      id,
			Rev:     store.Rev(binary.BigEndian.Uint64(value[revAt:])),
			Expires: time.UnixMilli(int64(expires)),
			Subject: string(body[:subject]),
			Payload: slices.Clip(body[subject:]),
		},
		written: binary.BigEndian.Uint64(value[writtenAt:]),
		earlier: revs,
	}, nil
}

// appendLive appends the kind and the revision, which Update compares.
func appendLive(b []byte, rev store.Rev) []byte {
	return binary.BigEndian.AppendUint64(append(b, kindLive), uint64(rev))
}

// appendHead appends what precedes the earlier revisions.
func (s *stored) appendHead(b []byte) []byte {
	b = appendLive(b, s.Rev)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Expires.UnixMilli()))
	return binary.BigEndian.AppendUint64(b, s.written)
}

// appendBody appends what follows the earlier revisions.
func (s *stored) appendBody(b []byte) []byte {
	b = slices.Grow(b, subjectSize+len(s.Subject)+len(s.Payload))
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Subject)))
	b = append(b, s.Subject...)
	return append(b, s.Payload...)
}

// encode returns the whole value.
func (s *stored) encode() []byte {
	b := make([]byte, 0, earlierAt+len(s.earlier)+subjectSize+len(s.Subject)+len(s.Payload))
	b = s.appendHead(b)
	b = append(b, byte(len(s.earlier)/revSize))
	b = append(b, s.earlier...)
	return s.appendBody(b)
}

// checkSize returns an error that wraps [store.ErrTooLarge] when the record
// would not fit.
func checkSize(rec *store.Record) error {
	if len(rec.Subject) > maxSubject {
		return fmt.Errorf("rueidis: subject of %d bytes, at most %d: %w",
			len(rec.Subject), maxSubject, store.ErrTooLarge)
	}
	if size := len(rec.Subject) + len(rec.Payload); size > maxSize {
		return fmt.Errorf("rueidis: subject and payload of %d bytes, at most %d: %w",
			size, maxSize, store.ErrTooLarge)
	}
	return nil
}
