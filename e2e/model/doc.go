// Package model holds a model-checking test of sessions. It runs concurrent
// requests of several browsers in thousands of random orders, and compares what
// they see with a simple sequential model.
//
// Every request runs in a goroutine of its own. It stops before each call of the
// store, before each action of its handler, and before its response reaches the
// browser. A schedule is a list of steps. Each step lets one request continue to
// its next stop, or breaks something there: the call or its answer is lost, the
// process dies, the call is delayed. Since one thing happens at a time, the model
// always knows exactly what every session must hold, and which session each token
// must open. It needs no tolerance for "one or the other".
//
// A failure is shrunk to a short list of steps, and printed with what each step
// did and with the seed by which package rapid finds it again. Time is that of a
// testing/synctest bubble, and the randomness of IDs is seeded, so that a schedule
// in memory always runs in the same way. The broken stores in broken_test.go show
// that the model finds the faults that it is meant to find.
//
// # Running
//
//	go test -race ./model                                  3000 schedules in memory, 400 on Redis
//	go test -run TestMemory -rapid.checks=1000000 ./model  more of them
//	go test -run TestMemory -rapid.steps=200 ./model       longer ones
//	go test -run TestMemory -rapid.seed=N ./model          the one that a failure has named
package model
