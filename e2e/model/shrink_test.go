package model_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// shrink takes away from a schedule what it fails without. Rapid can do so too,
// for whatever was drawn; that steps can be taken away one by one and in a row
// is known here only, and so this needs a hundred runs where rapid needs
// thousands, and no limit of time.
func shrink(schedule []step, fails func([]step) bool) []step {
	for size := len(schedule); size > 0; {
		before := len(schedule)
		for i := 0; i < len(schedule); {
			shorter := slices.Delete(slices.Clone(schedule), i, min(i+size, len(schedule)))
			if fails(shorter) {
				schedule = shorter
			} else {
				i += size
			}
		}
		if size > 1 || len(schedule) == before {
			size /= 2
		}
	}
	return schedule
}

// runner runs schedules for rapid, and shrinks those that fail.
type runner struct {
	run   func(setup, []step) (failure string, what *trace)
	last  string // the schedule that was shrunk last, and what came of it
	shown string
}

// check fails if the schedule does. Rapid runs what has failed again and again.
func (n *runner) check(t *rapid.T, s setup, schedule []step) {
	failure, _ := n.run(s, schedule)
	if failure == "" {
		return
	}
	if key := fmt.Sprint(s, schedule); key != n.last {
		schedule = shrink(schedule, func(shorter []step) bool {
			failure, _ := n.run(s, shorter)
			return failure != ""
		})
		failure, what := n.run(s, schedule)
		n.last, n.shown = key, fmt.Sprintf("%s\n%v", failure, what)
	}
	t.Fatalf("%s", n.shown)
}
