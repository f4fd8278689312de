package model_test

import (
	"testing"
	"testing/cryptotest"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// inMemory returns a property that draws a schedule, and runs it on what wrap
// makes of a store in memory, where time is a bubble's and nothing is left to
// chance.
func inMemory(t *testing.T, wrap func(*memory.Store) store.SubjectIndex) func(*rapid.T) {
	gen := stepOf()
	runs := runner{run: func(s setup, schedule []step) (failure string, what *trace) {
		synctest.Test(t, func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, 1)
			s.store = wrap(memory.New())
			failure, what = run(s, schedule)
		})
		return failure, what
	}}
	return func(rt *rapid.T) {
		s := setup{
			processes:  rapid.Bool().Draw(rt, "a process for each tab"),
			perSubject: rapid.IntRange(0, 2).Draw(rt, "MaxSessionsPerSubject"),
			sealed:     rapid.Bool().Draw(rt, "SealRecords"),
		}
		runs.check(rt, s, drawSchedule(rt, gen))
	}
}

func TestMemory(t *testing.T) {
	check(t, 3000, inMemory(t, func(st *memory.Store) store.SubjectIndex { return st }))
}
