// Package measure times things side by side: in short slices, one thing after
// the other and round after round, so that whatever else the machine does hits
// all of them alike.
package measure

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Sample is the cost of one operation, the mean of a slice.
type Sample struct {
	Nanos  float64 // on the clock
	CPU    float64 // nanoseconds of the process's CPU time
	Bytes  float64 // allocated
	Allocs float64
}

// Job is one of several things to compare. Every field but the first three is
// filled in by [Run].
type Job struct {
	Name string

	// Open prepares n operations at a time; done frees what it made. It is
	// called once, or for every slice if Fresh.
	Open func() (run func(n int) error, done func(), err error)

	// Fresh is for operations that leave something behind, so that a long run
	// would be another measurement than a short one.
	Fresh bool

	Samples []Sample
	Err     error // why there are no samples

	run  func(n int) error
	done func()
	n    int // operations of a slice
}

// Group is jobs that are compared with each other.
type Group []*Job

// Plan says how long to measure.
type Plan struct {
	Rounds int
	Slice  time.Duration
}

// Run measures all jobs of all groups.
func Run(ctx context.Context, plan Plan, groups []Group, progress func(round int)) error {
	defer func() {
		for _, group := range groups {
			for _, job := range group {
				job.close()
			}
		}
	}()
	for round := range plan.Rounds {
		progress(round)
		for _, group := range groups {
			// Not in turn: each would always follow the same one, and find
			// the caches as that has left them.
			for _, i := range rand.Perm(len(group)) {
				if err := ctx.Err(); err != nil {
					return err
				}
				group[i].slice(plan)
			}
		}
	}
	return nil
}

// slice adds one sample. A job that has failed is not tried again.
func (j *Job) slice(plan Plan) {
	if j.Err != nil {
		return
	}
	if j.run == nil {
		if j.run, j.done, j.Err = j.Open(); j.Err != nil {
			j.run = nil
			return
		}
	}
	if j.n == 0 {
		if j.n, j.Err = calibrate(j.run, plan.Slice); j.Err != nil {
			return
		}
	}
	var sample Sample
	if sample, j.Err = measure(j.run, j.n); j.Err != nil {
		j.Samples = nil
		return
	}
	j.Samples = append(j.Samples, sample)
	if sample.Nanos*float64(j.n) < float64(plan.Slice)/2 {
		j.n *= 2 // it was calibrated while the machine was busy
	}
	if j.Fresh {
		j.close()
	}
}

func (j *Job) close() {
	if j.run != nil && j.done != nil {
		j.done()
	}
	j.run, j.done = nil, nil
}

// calibrate finds how many operations take about as long as a slice. It also
// warms up what is measured.
func calibrate(run func(n int) error, slice time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		// The machine may have been busy with something else: the fastest of
		// a few runs counts.
		fastest := time.Duration(math.MaxInt64)
		for try := 0; try < 3 && fastest > slice/4; try++ {
			start := time.Now()
			if err := run(n); err != nil {
				return 0, err
			}
			fastest = min(fastest, time.Since(start))
		}
		if fastest > slice/4 || n > 1<<30 {
			return max(1, int(float64(n)*float64(slice)/float64(fastest))), nil
		}
	}
}

// measure runs n operations, on a heap without the garbage of what ran
// before.
func measure(run func(n int) error, n int) (Sample, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu, start := CPU(), time.Now()
	err := run(n)
	took := time.Since(start)
	cpu = CPU() - cpu
	runtime.ReadMemStats(&after)
	return Sample{
		Nanos:  float64(took.Nanoseconds()) / float64(n),
		CPU:    float64(cpu.Nanoseconds()) / float64(n),
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
		Allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
	}, err
}

// Parallel runs n operations spread over the workers, each on a goroutine of
// its own, and returns the first error.
func Parallel(n int, workers []func() error) error {
	if len(workers) == 1 {
		for range n {
			if err := workers[0](); err != nil {
				return err
			}
		}
		return nil
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(workers))
	for i, work := range workers {
		share := n / len(workers)
		if i < n%len(workers) {
			share++
		}
		wg.Go(func() {
			for range share {
				if err := work(); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// CPU returns the CPU time that the process has used.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // fails only for other arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Ballast keeps n bytes in the heap. Go collects garbage when the heap has
// doubled: on the empty heap of a benchmark that is every 4 MB, so that what
// allocates is charged several times what it costs in a server. The caller
// keeps the result alive.
func Ballast(n int) []byte { return make([]byte, n) }
