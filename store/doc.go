// Package store is the contract between a session manager and the place where
// it keeps sessions, as database/sql/driver is for databases.
//
// A [Store] keeps records: an [ID], a revision, an expiry, a subject and an
// opaque payload. Every write is conditional on the revision that the writer
// has seen, so that of two concurrent writers one receives a [ConflictError] and
// can apply its change to what the other has written.
//
// A Store may implement more: [SubjectIndex] lists and ends the sessions of one
// subject, [Notifier] reports changes at once, [UncachedLoader] reads past a
// cache, [Revoker] remembers revocations of sessions that clients hold. A
// [ClientHeld] store keeps nothing and turns a record into text for the client.
// A session manager finds these by type assertion. A Store that wraps another
// one must therefore implement what the wrapped one implements.
//
// Applications choose a store and pass it on; they need this package only to
// write a store of their own. Package storetest tests a Store against the
// contract.
//
// # Payloads
//
// A payload is read-only on both sides. The caller does not change a payload
// after it has passed it to a store, and does not change one that a store has
// returned. A store may therefore keep or return the slice itself.
//
// # Times
//
// All times have a resolution of one millisecond. A store need not keep a finer
// one.
//
// # Compatibility
//
// New capabilities become new interfaces. The methods of the interfaces here do
// not change within a major version.
package store
