package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Store keeps records. A Manager calls it from many goroutines at once, so
// every method is safe for concurrent use. Every method returns within a
// bounded time, whatever the context, and returns soon after the context ends.
//
// An error that is none of [ErrExists], [ErrNotFound], [ErrConflict] and
// [ErrTooLarge] means that the store could not answer. It never means that a
// session has ended: the Manager answers the request with an error instead.
//
// A ref is what the client must bring for its record to be found. In a store
// that holds records it is rec.ID.String(), for every record and for ever; in
// one that is [ClientHeld] it is the record itself. A store may be asked for
// any string, and answers ErrNotFound to one that it never issued. One that is
// ClientHeld cannot always tell: it is asked for what the Manager has
// authenticated only.
//
// The kit in package storetest holds a store to every sentence of this contract.
type Store interface {
	// Create keeps a record under an ID that is not in use and returns its
	// ref. It returns ErrExists, and changes nothing, when the ID is in use by
	// another record or by one that was just deleted. When the ID already
	// holds a record of the same Rev, this is the same write repeated after
	// its answer was lost, and succeeds.
	Create(ctx context.Context, rec Record) (ref string, err error)

	// Load returns the record, all of its fields as they were last stored. It
	// returns ErrNotFound when there is none, and never returns a record at or
	// after its Expires.
	Load(ctx context.Context, ref string) (Record, error)

	// Update replaces the record if its revision is base, in one atomic step,
	// and returns the ref to use from then on. Where the revision is rec.Rev
	// already, this is the same write repeated after its answer was lost, and
	// succeeds. Otherwise it changes nothing and returns a [*ConflictError]
	// that holds the current record. It returns ErrNotFound, and creates
	// nothing, when there is no record, or none that has not expired.
	//
	// rec.ID is the ID of the record that ref finds. A ClientHeld store holds
	// no revision to compare with, and so replaces what has not expired
	// unconditionally.
	Update(ctx context.Context, ref string, base Rev, rec Record) (newRef string, err error)

	// Delete removes the record, so that no Load or Update that begins after
	// it has returned finds it. Removing what is not there is not an error. In
	// a ClientHeld store it does nothing.
	Delete(ctx context.Context, ref string) error
}

// ClientHeld marks a Store that holds nothing on the server: the record
// travels with the client, and ref is the record. Such a store cannot detect
// that two requests change one session at once. Before a session expires, only
// a [Revoker] can end it.
type ClientHeld interface {
	Store

	// HeldByClient does nothing. It is the mark.
	HeldByClient()
}

// FreshLoader is implemented by a Store whose Load may answer from a cache, and
// so may return for a while what somebody else has replaced or deleted.
type FreshLoader interface {
	Store

	// LoadFresh is Load past the cache. [Session.Transact] decides on what it
	// returns, and so do the calls that list and revoke sessions.
	LoadFresh(ctx context.Context, ref string) (Record, error)
}

// SubjectIndex is implemented by a Store that can also tell which sessions
// belong to a subject. What it tells may be more than is true, never less: the
// Manager notes a session before it stores the record that makes it the
// subject's, strikes it off after it has removed one, and looks at the records
// themselves before it believes anything.
type SubjectIndex interface {
	Store

	// Index notes that the session may belong to the subject, until then at
	// the longest. To note it again moves until.
	Index(ctx context.Context, subject string, id ID, until time.Time) error

	// Unindex strikes the session off. One that is not noted is not an error.
	Unindex(ctx context.Context, subject string, id ID) error

	// Indexed returns every session that was noted for the subject before it
	// was called, was not struck off since, and whose until has not passed; in
	// any order. One that is struck off or noted meanwhile may be among them.
	Indexed(ctx context.Context, subject string) ([]Indexed, error)
}

// Indexed is one session in a [SubjectIndex].
type Indexed struct {
	ID    ID
	Until time.Time // whole milliseconds
}

// Notifier is implemented by a Store that can tell at once when a record has
// changed, for [Session.Watch].
type Notifier interface {
	Store

	// Notify returns a channel that is closed when the record that ref finds
	// is next replaced or removed, other than by expiring, and a function that
	// gives it up. The channel may be closed without cause.
	Notify(ref string) (changed <-chan struct{}, stop func())
}

// Record is what a store keeps of one session. A store does not look into the
// payload, and keeps a copy of it: neither the payload that was handed in nor
// the one that was handed out is the store's own memory.
type Record struct {
	ID      ID        // set once, when the record is created
	Rev     Rev       // drawn anew for every write
	Expires time.Time // whole milliseconds; the record is gone from then on
	Subject string    // who the state belongs to, "" for nobody
	Payload []byte    // opaque
}

// Rev is the revision of a record: 64 random bits, drawn anew for every write
// that is attempted and compared for equality only. A counter could not tell
// one's own applied write, its answer lost, from a write of somebody else.
type Rev uint64

// newRev draws a revision.
func newRev() Rev {
	var b [8]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return Rev(binary.BigEndian.Uint64(b[:]))
}
