package model_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// shrink takes away from a schedule what it fails without. Rapid can do so too,
// for whatever was drawn; that steps can be taken away one by one and in a row
// is known here only, and so this needs a few hundred runs where rapid needs
// thousands, and no limit of time.
func shrink(schedule []step, fails func([]step) bool) []step {
	for before := -1; len(schedule) != before; {
		before = len(schedule)
		schedule = remove(schedule, fails)
	}
	for i := range schedule {
		if schedule[i].verb == goOn {
			// Where a request may as well go on to its end, its later steps go.
			longer := slices.Clone(schedule)
			if longer[i].verb = finish; fails(longer) {
				return shrink(longer, fails)
			}
		}
	}
	return schedule
}

// remove takes steps away, as many in a row as can be, until each is needed.
func remove(schedule []step, fails func([]step) bool) []step {
	for size := len(schedule); size > 0; size = min(size-1, len(schedule)) {
		if size > 32 {
			size = max(32, size/2) // rather than every size
		}
		for i := 0; i+size <= len(schedule); {
			shorter := slices.Delete(slices.Clone(schedule), i, i+size)
			if fails(shorter) {
				schedule = shorter
			} else {
				i += max(1, size/4)
			}
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
