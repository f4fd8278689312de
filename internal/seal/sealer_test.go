package seal_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/typedsession/typedsession/internal/seal"
)

// stemOf returns the first half of a sealed value's nonce.
func stemOf(sealed []byte) string { return string(sealed[5:17]) }

func TestStemLastsForItsValues(t *testing.T) {
	s := newRing(t, testKey(1)).Sealer("test")
	var buf []byte
	stems := make(map[string]int)
	for range seal.StemSeals + 1 {
		buf = s.Seal(buf[:0], nil, nil)
		stems[stemOf(buf)]++
	}
	if got := stems[stemOf(buf)]; len(stems) != 2 || got != 1 {
		t.Errorf("%d values had %d stems, %d with the last", seal.StemSeals+1, len(stems), got)
	}
}

func TestStemLastsForItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRing(t, testKey(1)).Sealer("test")
		first := stemOf(s.Seal(nil, nil, nil))
		time.Sleep(seal.StemAge - time.Nanosecond)
		if stemOf(s.Seal(nil, nil, nil)) != first {
			t.Error("the stem changed before its time")
		}
		time.Sleep(time.Nanosecond)
		if stemOf(s.Seal(nil, nil, nil)) == first {
			t.Error("the stem outlived its time")
		}
	})
}

func TestStemsAreNotShared(t *testing.T) {
	r := newRing(t, testKey(1))
	a, b := r.Sealer("test"), r.Sealer("test")
	if stemOf(a.Seal(nil, nil, nil)) == stemOf(b.Seal(nil, nil, nil)) {
		t.Error("two Sealers use one stem")
	}
}

// Goroutines seal and open while the stem changes under them. No stem may be
// used more often than it may, and every value must open.
func TestStemsWithConcurrency(t *testing.T) {
	const workers, values, limit = 8, 500, 100
	s := newRing(t, testKey(1)).Sealer("test")
	counted := stemOf(s.Seal(nil, nil, nil))
	seal.SetSealsLeft(s, limit)

	var (
		mu    sync.Mutex
		stems = make(map[string]int)
		wg    sync.WaitGroup
	)
	for w := range workers {
		wg.Go(func() {
			for i := range values {
				want := fmt.Sprintf("value %d of %d", i, w)
				sealed := s.Seal(nil, []byte(want), []byte("ad"))
				got, stale, err := s.Open(nil, sealed, []byte("ad"))
				if string(got) != want || stale || err != nil {
					t.Errorf("opened %q, stale %v, %v, want %q", got, stale, err, want)
				}
				mu.Lock()
				stems[stemOf(sealed)]++
				mu.Unlock()
				if i%10 == 9 {
					seal.SetSealsLeft(s, 5)
				}
			}
		})
	}
	wg.Wait()
	if len(stems) < workers || stems[counted] == 0 || stems[counted] > limit {
		t.Errorf("%d stems, the first used %d times, want at most %d", len(stems), stems[counted], limit)
	}
}

// newStem seals a value under a stem that was not used before.
func newStem(s *seal.Sealer) []byte {
	seal.SetSealsLeft(s, 0)
	return s.Seal(nil, []byte("value"), nil)
}

func TestCacheIsBounded(t *testing.T) {
	s := newRing(t, testKey(1)).Sealer("test")
	hot := s.Seal(nil, []byte("value"), nil)
	mustOpen := func(sealed []byte) {
		t.Helper()
		if got, _, err := s.Open(nil, sealed, nil); string(got) != "value" || err != nil {
			t.Fatalf("opened %q, %v", got, err)
		}
	}
	var values [][]byte
	for range 4 * seal.CacheSize {
		values = append(values, newStem(s))
	}
	for _, sealed := range values {
		mustOpen(hot)
		mustOpen(sealed)
		if !seal.Remembers(s, sealed) {
			t.Fatal("a value that opened is not remembered")
		}
		if !seal.Remembers(s, hot) {
			t.Fatal("a key in use gave way to keys used once")
		}
	}
	if got := seal.Cached(s); got != seal.CacheSize {
		t.Errorf("%d derived keys are remembered, want the bound, %d", got, seal.CacheSize)
	}
	for _, sealed := range values {
		mustOpen(sealed) // most of them forgotten by now
	}
}

func TestForgedValuesLeaveTheCacheAlone(t *testing.T) {
	s := newRing(t, testKey(1)).Sealer("test")
	sealed := s.Seal(nil, []byte("value"), nil)
	if got := seal.Cached(s); got != 0 {
		t.Errorf("sealing put %d entries in", got)
	}
	if _, _, err := s.Open(nil, sealed, nil); err != nil {
		t.Fatal(err)
	}
	forged := append([]byte(nil), sealed...)
	for i := range 3 * seal.CacheSize {
		forged[5], forged[6], forged[7] = byte(i), byte(i>>8), ^sealed[7]
		mustFail(t, s, forged, nil, "a forged stem")
	}
	if got := seal.Cached(s); got != 1 || !seal.Remembers(s, sealed) {
		t.Errorf("after forged values %d entries, the genuine one there: %v", got, seal.Remembers(s, sealed))
	}
}

// Openers meet new stems together, so that lookups, additions and evictions of
// one set happen at once.
func TestCacheWithConcurrency(t *testing.T) {
	s := newRing(t, testKey(1)).Sealer("test")
	s.Seal(nil, nil, nil)
	values := make([][]byte, 2*seal.CacheSize)
	for i := range values {
		values[i] = newStem(s)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range values {
				sealed := values[(i+w)%len(values)]
				if got, _, err := s.Open(nil, sealed, nil); string(got) != "value" || err != nil {
					t.Errorf("opened %q, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := seal.Cached(s); got > seal.CacheSize {
		t.Errorf("%d derived keys are remembered, want at most %d", got, seal.CacheSize)
	}
}
