// Package storetest holds a [session.Store] to its contract.
//
// A store's own test calls [Run]. Every case is a subtest with a store of its
// own, and a failure quotes the sentence of the contract that the store broke. A
// store that is [session.ClientHeld] runs the cases that apply to such stores.
//
// The kit is about what can be seen through the interface. What a store does
// while its server is away, how soon an operation gives up, and what a lagging
// replica answers is for the store's own tests. One payload is of 64 KiB, which
// a store may refuse with [session.ErrTooLarge]; the others are short.
//
// Some cases run eight goroutines at once; run them with -race. Some wait for a
// record to expire, a fraction of a second each. None of them depends on how
// fast the store is. Clocks matter: a store that asks another machine whether a
// record has expired must agree with the clock of the test.
package storetest
