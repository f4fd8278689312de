// Package model holds a model-checking test of sessions: it lets the requests of
// several browsers loose on each other in thousands of random orders, and
// compares what they see with what a simple sequential model says.
//
// Every request runs in a goroutine of its own, and stops before each call of
// the store, before each thing its handler does, and before its answer reaches
// the browser. A schedule is a list of steps, each of which lets one request go
// on by one of these, or breaks something there: the call, or its answer, is
// lost, the process dies, the call comes late. Since one thing happens at a time
// the model always knows exactly what every session must hold, and where each
// token must lead; it needs no tolerance for "one or the other".
//
// A failure is shrunk to a short list of steps and printed with what each of
// them did, and with the seed that package rapid finds it by again. Time is that
// of a testing/synctest bubble and the randomness of IDs is seeded, so that a
// schedule in memory always runs alike. The broken stores in broken_test.go show
// that the model finds what it is there to find.
//
// # Running
//
//	go test -race ./model                                  3000 schedules in memory, 400 on Redis
//	go test -run TestMemory -rapid.checks=1000000 ./model  more of them
//	go test -run TestMemory -rapid.steps=200 ./model       longer ones
//	go test -run TestMemory -rapid.seed=N ./model          the one that a failure has named
package model
