// Package memory keeps sessions in the memory of the process.
//
// It suits one process, and tests: what it holds is lost when the process ends,
// and two processes do not see each other's sessions. A [Store] is a map in 64
// shards. It copies each payload on the way in, and holds no
// lock while it does so.
//
// # Expiry
//
// A session is gone at its expiry, because every method looks at the clock; its
// memory is freed later. A Store starts no goroutine. Instead each Create
// examines a few entries and removes the expired ones among them, so that under
// steady traffic what it holds stays near the number of live sessions. Where
// traffic may stop and the memory is wanted back, call [Store.DeleteExpired] now and
// then.
//
// Deleting a session leaves a mark of about 100 bytes for a minute, so that a
// Create which is repeated late does not bring the session back.
//
// # Bounds
//
// A session of 200 bytes takes about 310 bytes of memory, and one with a subject
// some 130 more, and twice what the subject itself takes:
//
//	go test -run Heap -v ./store/memory -sessions 1000000
//
// Sessions are not bounded unless [Store.MaxSessions] is set; the marks of
// deleted ones do not count. A Store at its bound refuses new sessions with
// [store.ErrFull]. It never evicts one, because that would log somebody out whenever
// somebody else logs in.
//
// # Concurrency
//
// All methods may be called by any number of goroutines. A Store must not be
// copied after first use.
package memory
