package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"github.com/typedsession/typedsession/bench/internal/measure"
	"github.com/typedsession/typedsession/bench/internal/peers"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/memory"
)

// scale is what a store in memory costs at some number of sessions. It is
// measured in a process of its own, whose heap holds nothing else.
type scale struct {
	Library  string
	Sessions int

	HeapEach  float64 // bytes of heap for each session
	LeftEach  float64 // the same when all have expired and were swept
	GCMillis  float64 // CPU of one full garbage collection
	P50, P99  float64 // µs of a read through the whole middleware, with GC at work
	PauseMax  float64 // ms; the longest stop of the world during the load
	SweepNone float64 // ms of a sweep that finds nothing; 0 where it is not known
	SweepTen  float64 // ms of a sweep that finds a tenth expired; 0 where it is not known
	// The longest that a Load took, in ms, while nothing else went on, and
	// during the sweeps. Each is the median of several.
	StallIdle, StallNone, StallTen float64
}

// payloadSize is what each session holds, and sessionMemory is what a process
// needs for each, with what the harness itself holds and before a collection.
const (
	payloadSize   = 200
	sessionMemory = 1000
)

// filled is a store that can be filled and swept. It keeps no keys of its own:
// a garbage collection would have to look at them too.
type filled interface {
	put(i int, payload []byte, expires time.Time)
	get(i int) bool
	sweep() // returns when everything that has expired is gone
}

// runScale measures in a child process.
func runScale(ctx context.Context, library string, sessions int) (scale, error) {
	self, err := os.Executable()
	if err != nil {
		return scale{}, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", fmt.Sprintf("scale:%s:%d", library, sessions))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return scale{}, fmt.Errorf("%s at %d: %w", library, sessions, err)
	}
	var result scale
	return result, json.Unmarshal(out, &result)
}

// scaleChild is the child process.
func scaleChild(args string) error {
	library, number, _ := strings.Cut(args, ":")
	sessions, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	s, err := measureScale(library, sessions)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

func measureScale(library string, sessions int) (scale, error) {
	s := scale{Library: library, Sessions: sessions}
	var contender peers.Contender
	for _, c := range peers.Contenders() {
		if c.Store == peers.Memory && c.Name == library {
			contender = c
		}
	}
	// What the harness itself holds is made here, before the heap is weighed.
	var st filled
	switch library {
	case "typedsession":
		st = newOursFilled(sessions)
	case "scs":
		st = &scsFilled{memstore.NewWithCleanupInterval(scsInterval)}
	default:
		return s, fmt.Errorf("no store of %q to fill", library)
	}
	payload := make([]byte, payloadSize)
	before := heap()
	later := time.Now().Add(time.Hour)
	for i := range sessions {
		st.put(i, payload, later)
	}
	s.HeapEach = float64(heap()-before) / float64(sessions)

	var cpu []float64
	for range 11 {
		start := measure.CPU()
		runtime.GC()
		cpu = append(cpu, ms(measure.CPU()-start))
	}
	s.GCMillis = measure.Quantile(cpu, 0.5)

	pauses := gcPauses()
	latencies, err := requestLatencies(contender, 2*time.Second)
	if err != nil {
		return s, err
	}
	s.PauseMax = longest(pauses, gcPauses())
	s.P50, s.P99 = measure.Quantile(latencies, 0.5), measure.Quantile(latencies, 0.99)

	// expire lets the first n expire, and revives those that were swept.
	expire := func(n int) {
		soon := time.Now()
		for i := range n {
			st.put(i, payload, soon)
		}
	}
	_, s.StallIdle = probes(st, sessions, func() {}, func() { time.Sleep(200 * time.Millisecond) })
	s.SweepNone, s.StallNone = probes(st, sessions, func() {}, st.sweep)
	s.SweepTen, s.StallTen = probes(st, sessions, func() { expire(sessions / 10) }, st.sweep)
	if library == "scs" {
		s.SweepNone, s.SweepTen = 0, 0
	}

	expire(sessions)
	st.sweep()
	s.LeftEach = max(0, float64(heap()-before)/float64(sessions))
	runtime.KeepAlive(st)
	return s, nil
}

// probes probes several times, each after prepare and without its garbage, and
// returns the medians: once in a few times the machine itself stands still for
// longer than any lock is held.
func probes(st filled, sessions int, prepare, f func()) (took, stall float64) {
	var times, stalls []float64
	for range 5 {
		prepare()
		runtime.GC()
		took, stall := probe(st, sessions, f)
		times, stalls = append(times, took), append(stalls, stall)
	}
	return measure.Quantile(times, 0.5), measure.Quantile(stalls, 0.5)
}

// probe loads sessions, one after another, while f runs, and returns how long f
// took and the longest load, in milliseconds.
func probe(st filled, sessions int, f func()) (took, stall float64) {
	var done atomic.Bool
	start := time.Now()
	go func() {
		f()
		took = ms(time.Since(start))
		done.Store(true)
	}()
	last := time.Now()
	for i := 0; !done.Load(); i++ {
		st.get(i * 7919 % sessions)
		now := time.Now()
		stall = max(stall, ms(now.Sub(last)))
		last = now
	}
	return took, stall
}

// requestLatencies reads a session through a contender's middleware for a while,
// and on until the garbage that this makes has been collected three times. It
// returns how long each read took, in microseconds.
func requestLatencies(c peers.Contender, d time.Duration) ([]float64, error) {
	site, err := c.Open(peers.Env{})
	if err != nil {
		return nil, err
	}
	defer site.Close()
	v, err := newVisitor(site)
	if err != nil {
		return nil, err
	}
	read := v.worker(useCase{action: peers.Read, cookie: true})
	var took []float64
	begun, collected := collections(), false
	for last, end := time.Now(), time.Now().Add(d); last.Before(end) || !collected; {
		if len(took)%1000 == 0 { // to ask takes as long as a read
			collected = collections() >= begun+3
		}
		if err := read(); err != nil {
			return nil, err
		}
		now := time.Now()
		took = append(took, float64(now.Sub(last).Nanoseconds())/1e3)
		last = now
	}
	return took, nil
}

// oursFilled is our memory store.
type oursFilled struct {
	store *memory.Store
	revs  []store.Rev
}

func newOursFilled(n int) *oursFilled {
	return &oursFilled{memory.New(), make([]store.Rev, n)}
}

// id returns an ID. Real ones are random. These are as good: a multiplication
// by an odd number spreads them, and no two are the same.
func (f *oursFilled) id(i int) (id store.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(i+1)*0x9E3779B97F4A7C15)
	return id
}

func (f *oursFilled) put(i int, payload []byte, expires time.Time) {
	// It keeps the slice that it is given: each session needs its own.
	rec := store.Record{ID: f.id(i), Rev: f.revs[i] + 1, Expires: expires, Payload: append([]byte(nil), payload...)}
	err := f.store.Update(context.Background(), f.revs[i], rec)
	if errors.Is(err, store.ErrNotFound) { // not there yet, or swept
		err = f.store.Create(context.Background(), rec)
	}
	if err != nil {
		panic(err)
	}
	f.revs[i]++
}

func (f *oursFilled) get(i int) bool {
	_, err := f.store.Load(context.Background(), f.id(i))
	return err == nil
}

func (f *oursFilled) sweep() { f.store.DeleteExpired() }

// scsFilled is scs's. It sweeps in a goroutine of its own and does not report it, so
// that what is timed is the next sweep from its beginning on.
type scsFilled struct{ store *memstore.MemStore }

// scsInterval is how often scs sweeps here; one minute is its default. It is so
// long that what is measured besides sweeps is rarely met by one.
const scsInterval = 2 * time.Second

// token returns a token, as long as its own ones are.
func (f *scsFilled) token(i int) string {
	return fmt.Sprintf("%043x", uint64(i+1)*0x9E3779B97F4A7C15)
}

func (f *scsFilled) put(i int, payload []byte, expires time.Time) {
	// It keeps the slice that it is given: each session needs its own.
	if err := f.store.Commit(f.token(i), append([]byte(nil), payload...), expires); err != nil {
		panic(err)
	}
}

func (f *scsFilled) get(i int) bool {
	_, ok, err := f.store.Find(f.token(i))
	return ok && err == nil
}

func (f *scsFilled) sweep() { time.Sleep(scsInterval + 400*time.Millisecond) }

// heap returns the bytes of the heap that are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// collections returns how many garbage collections there have been.
func collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

const pauseMetric = "/sched/pauses/total/gc:seconds"

// gcPauses returns the histogram of how long garbage collections stopped
// everything.
func gcPauses() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: pauseMetric}}
	metrics.Read(sample)
	return sample[0].Value.Float64Histogram()
}

// longest returns the longest pause, in milliseconds, that is in after and not
// yet in before.
func longest(before, after *metrics.Float64Histogram) float64 {
	for i := len(after.Counts) - 1; i >= 0; i-- {
		if after.Counts[i] > before.Counts[i] {
			return after.Buckets[i] * 1e3 // its lower bound: the upper may be infinite
		}
	}
	return 0
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
