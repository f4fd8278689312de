package store

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Record is what a store keeps of one session.
type Record struct {
	ID      ID        // set when the record is created, never changed
	Rev     Rev       // drawn for every write; never zero
	Expires time.Time // the record is not found from then on
	Subject string    // any bytes; "" means that the session has no subject
	Payload []byte    // opaque and read-only

	// LoginSince, if not zero, says that this write is a login: it makes the
	// session the Subject's on behalf of a request that arrived at that time.
	// A [SubjectIndex] compares it with revocations; other stores ignore it. It
	// belongs to the write and is not kept: Load returns the zero Time.
	LoginSince time.Time

	// IndexUntil, if not zero, tells a [SubjectIndex] to make sure that the
	// session is in the index of its Subject until that time at least. It is
	// set by every write that changes the Subject to another than "", and now
	// and then by a write that extends the session. A
	// store whose index is part of the record, or bounded otherwise, ignores it.
	// It is not kept: Load returns the zero Time.
	IndexUntil time.Time
}

// Rev is the revision of a record: 64 random bits, compared for equality only.
// Random revisions let a client whose response was lost recognise its own write;
// a counter would not.
type Rev uint64

// NewRev draws a revision, never zero.
func NewRev() Rev {
	var b [8]byte
	for {
		rand.Read(b[:]) // never fails: it ends the program instead
		if rev := Rev(binary.BigEndian.Uint64(b[:])); rev != 0 {
			return rev
		}
	}
}
