// Package storetest tests a [store.Store] against its contract.
//
// A store's own test calls [Run]. Every case is a subtest with a store of its
// own. A failure names the rule that the store broke and links to the
// documentation of the rule. Which cases run depends on what the store
// implements: [store.SubjectIndex], [store.Notifier] and [store.UncachedLoader]
// add cases, and a [store.ClientHeld] store has its own. [RunRevoker] tests a
// [store.Revoker].
//
// The kit tests what can be seen through the interfaces. A store's own tests
// must cover the rest: that a tombstone and a revocation last for
// [store.TombstoneLife], that the index is bounded by the live sessions, that
// methods return in time when a server is away, and what a cache or a replica
// may return. One payload has 64 KiB, which a store may refuse with
// [store.ErrTooLarge]; the others are short.
//
// Some cases use a store from several goroutines; run them with -race. Some wait
// until a record expires, a fraction of a second each. No case depends on how
// fast the store is. A store that lets another machine decide whether a record
// has expired needs a clock there that agrees with that of the test.
package storetest
