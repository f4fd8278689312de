package measure

import (
	"slices"

	"golang.org/x/perf/benchmath"
)

// Summary is a median with its 95 % confidence interval, which makes no
// assumption about the distribution, as benchstat's does not.
type Summary struct {
	Median, Lo, Hi float64
}

// Spread is half the width of the interval, relative to the median.
func (s Summary) Spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return (s.Hi - s.Lo) / 2 / s.Median
}

// Summarize returns the summary of some values; of none, it is zero.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	s := benchmath.AssumeNothing.Summary(sample, 0.95)
	// Fewer than six values have no such interval: it is infinite then.
	lowest, highest := slices.Min(values), slices.Max(values)
	return Summary{Median: s.Center, Lo: max(s.Lo, lowest), Hi: min(s.Hi, highest)}
}

// A Measure picks one figure of a sample.
type Measure func(Sample) float64

// The measures.
var (
	Nanos  Measure = func(s Sample) float64 { return s.Nanos }
	CPUs   Measure = func(s Sample) float64 { return s.CPU }
	Bytes  Measure = func(s Sample) float64 { return s.Bytes }
	Allocs Measure = func(s Sample) float64 { return s.Allocs }
)

func (m Measure) of(j *Job) []float64 {
	values := make([]float64, len(j.Samples))
	for i, s := range j.Samples {
		values[i] = m(s)
	}
	return values
}

// Of summarizes the samples of a job.
func (m Measure) Of(j *Job) Summary { return Summarize(m.of(j)) }

// Ratio returns how many times as much a takes as b.
func (m Measure) Ratio(a, b *Job) Summary { return RatioOf(m.of(a), m.of(b)) }

// RatioOf returns how large the values of a are in terms of those of b. Two of
// one round are neighbours in time, so the median of their ratios is steadier,
// on a machine that has other work, than the ratio of the medians.
func RatioOf(a, b []float64) Summary {
	values := make([]float64, min(len(a), len(b)))
	for i := range values {
		values[i] = a[i] / b[i]
	}
	return Summarize(values)
}

// Quantile returns the q-quantile of values, which it sorts.
func Quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}
