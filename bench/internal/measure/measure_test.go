package measure_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/bench/internal/measure"
)

func TestRunTakesTurnsAndClosesWhatItOpens(t *testing.T) {
	const rounds = 40
	first := make([]string, rounds) // of each round
	round := 0
	open := map[string]int{}
	job := func(name string, fresh bool) *measure.Job {
		return &measure.Job{Name: name, Fresh: fresh, Open: func() (func(int) error, func(), error) {
			open[name]++
			run := func(int) error {
				if first[round] == "" {
					first[round] = name
				}
				time.Sleep(100 * time.Microsecond)
				return nil
			}
			return run, func() { open[name+" closed"]++ }, nil
		}}
	}
	a, b := job("a", false), job("b", true)
	err := measure.Run(context.Background(), measure.Plan{Rounds: rounds, Slice: 100 * time.Microsecond},
		[]measure.Group{{a, b}}, func(i int) { round = i })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(first, "a") || !slices.Contains(first, "b") {
		t.Errorf("in every round the same one came first: %v", first)
	}
	if open["a"] != 1 || open["a closed"] != 1 || open["b"] != rounds || open["b closed"] != rounds {
		t.Errorf("opened and closed: %v", open)
	}
	if len(a.Samples) != rounds || len(b.Samples) != rounds {
		t.Errorf("%d and %d samples, want %d of each", len(a.Samples), len(b.Samples), rounds)
	}
}

func TestRunGoesOnWithoutAJobThatFails(t *testing.T) {
	broken := errors.New("broken")
	bad := &measure.Job{Open: func() (func(int) error, func(), error) {
		return func(int) error { return broken }, nil, nil
	}}
	good := &measure.Job{Open: func() (func(int) error, func(), error) {
		return func(int) error { time.Sleep(time.Millisecond); return nil }, nil, nil
	}}
	err := measure.Run(context.Background(), measure.Plan{Rounds: 2, Slice: time.Millisecond},
		[]measure.Group{{bad, good}}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(bad.Err, broken) || len(bad.Samples) != 0 {
		t.Errorf("error %v with %d samples", bad.Err, len(bad.Samples))
	}
	if good.Err != nil || len(good.Samples) != 2 {
		t.Errorf("error %v with %d samples", good.Err, len(good.Samples))
	}
}

func TestParallelDoesEveryOperationOnce(t *testing.T) {
	var count atomic.Int64
	work := func() error { count.Add(1); return nil }
	for _, workers := range []int{1, 3, 8} {
		count.Store(0)
		if err := measure.Parallel(100, slices.Repeat([]func() error{work}, workers)); err != nil {
			t.Fatal(err)
		}
		if got := count.Load(); got != 100 {
			t.Errorf("%d workers did %d operations, want 100", workers, got)
		}
	}
}

func TestRatioComparesWithinARound(t *testing.T) {
	// The machine is ten times as slow in one round of three, and a takes twice
	// as long as b in all of them.
	samples := func(nanos ...float64) *measure.Job {
		j := &measure.Job{}
		for _, n := range nanos {
			j.Samples = append(j.Samples, measure.Sample{Nanos: n})
		}
		return j
	}
	a, b := samples(20, 200, 22), samples(10, 100, 11)
	if got := measure.Nanos.Ratio(a, b).Median; math.Abs(got-2) > 1e-9 {
		t.Errorf("ratio %v, want 2", got)
	}
	if got := measure.Nanos.Of(a); got.Median != 22 || got.Lo != 20 || got.Hi != 200 {
		t.Errorf("summary %+v", got)
	}
}
