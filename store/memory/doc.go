// Package memory keeps sessions in the memory of the process.
//
// It suits tests and programs that run as one process. The sessions end with the
// process, and two processes do not share them. A [Store] is a map in 64 shards
// with a lock each. Load copies nothing.
//
// # Expiry
//
// A session is not found from its expiry on, because every method compares it
// with the clock. Its memory is freed later. A Store starts no goroutine: each
// Create scans a few entries and removes the expired ones among them, so that
// under steady traffic a Store holds few more than the live sessions. If traffic
// may stop and the program needs the memory back, call [Store.DeleteExpired]
// from time to time.
//
// The index of subjects has one entry for each session that is held. The entry
// is removed with its session, however the session ends.
//
// A deleted session leaves a tombstone of about 120 bytes for
// [store.TombstoneLife], 15 minutes. A revocation of a subject is kept for the
// same time.
//
// # Bounds
//
// A session with a payload of 200 bytes takes about 320 bytes of memory, and one
// with a subject of 32 bytes about 450:
//
//	go test -run Heap -v ./store/memory -args -sessions 1000000
//
// The number of sessions is not bounded unless [Store.MaxSessions] is set.
// Tombstones do not count. A full Store refuses new sessions with
// [store.ErrFull]. It never evicts a session, because an attacker who creates
// sessions could then log users out.
//
// # Concurrency
//
// All methods may be called by any number of goroutines. A Store must not be
// copied after first use. Because no method waits for anything but short locks,
// the contexts are not used.
package memory
