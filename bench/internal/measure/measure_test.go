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
	var order []string
	open := map[string]int{}
	job := func(name string, fresh bool) *measure.Job {
		return &measure.Job{Name: name, Fresh: fresh, Open: func() (func(int) error, func(), error) {
			open[name]++
			run := func(int) error {
				if len(order) == 0 || order[len(order)-1] != name {
					order = append(order, name)
				}
				time.Sleep(time.Millisecond)
				return nil
			}
			return run, func() { open[name+" closed"]++ }, nil
		}}
	}
	a, b := job("a", false), job("b", true)
	err := measure.Run(context.Background(), measure.Plan{Rounds: 3, Slice: time.Millisecond},
		[]measure.Group{{a, b}}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b"}; !slices.Equal(order, want) { // a b, b a, a b
		t.Errorf("order %v, want %v", order, want)
	}
	if open["a"] != 1 || open["a closed"] != 1 || open["b"] != 3 || open["b closed"] != 3 {
		t.Errorf("opened and closed: %v", open)
	}
	if len(a.Samples) != 3 || len(b.Samples) != 3 {
		t.Errorf("%d and %d samples, want 3 of each", len(a.Samples), len(b.Samples))
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
