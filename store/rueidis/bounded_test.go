package rueidis_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestBoundedTime lets the network go silent under more callers than the
// client's queues have room for, and with a client whose own limits are far
// away. Every caller must be answered in time, and so must one who cancels.
func TestBoundedTime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings client.ClientOption
		callers  int
	}{
		{"the client's default settings", client.ClientOption{}, 4000},
		{"one queue", client.ClientOption{PipelineMultiplex: -1}, 4000},
	} {
		t.Run(test.name, func(t *testing.T) {
			redistest.Each(t, func(t *testing.T, p redistest.Program) {
				testBoundedTime(t, p, test.settings, test.callers)
			})
		})
	}
}

func testBoundedTime(t *testing.T, p redistest.Program, settings client.ClientOption, callers int) {
	const (
		timeout = 500 * time.Millisecond
		slack   = 6 * time.Second // for a slow machine, and below the client's 12 s
	)
	proxy := redistest.NewProxy(t, p.Start(t).Addr)
	settings.InitAddress = []string{proxy.Addr}
	st := newStore(t, settings, rueidis.Options{Timeout: timeout})
	rec := newRecord()
	err := st.Create(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	// Callers that share the connections bring the client to queue commands.
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if _, err := st.Load(t.Context(), rec.ID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	proxy.Silence(true)

	var slowest atomic.Int64
	for i := range callers {
		wg.Go(func() {
			began := time.Now()
			var err error
			if i%2 == 0 {
				_, err = st.Load(t.Context(), rec.ID)
			} else {
				err = st.Update(t.Context(), rec.Rev, next(rec))
			}
			if err == nil || isContract(err) {
				t.Errorf("behind a silent network: %v", err)
			}
			took := int64(time.Since(began))
			for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); old = slowest.Load() {
			}
		})
	}
	wg.Wait()
	t.Logf("%d callers, slowest %v", callers, time.Duration(slowest.Load()))
	if took := time.Duration(slowest.Load()); took > timeout+slack {
		t.Errorf("a caller was answered after %v, want about %v", took, timeout)
	}

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := st.Load(ctx, rec.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("Load with a context that is cancelled during the call: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := st.Delete(ctx, rec.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Delete with a context that ends during the call: %v", err)
	}
}
