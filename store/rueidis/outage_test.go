package rueidis_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestOutageNamesItsCause makes sure that the error of an operation during an
// outage says what is the matter, however the call is made: on a connection of
// its own, or on a goroutine because of a crowd before.
func TestOutageNamesItsCause(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		replicas int
		crowd    int // loads that fail at once beforehand
	}{
		{"alone", 0, 0},
		{"with replicas", 1, 0},
		{"after a crowd", 0, 520},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			redistest.Each(t, func(t *testing.T, p redistest.Program) {
				s := p.Start(t)
				settings := client.ClientOption{InitAddress: []string{s.Addr}}
				st := newStore(t, settings, rueidis.Options{Timeout: 500 * time.Millisecond, WaitReplicas: test.replicas})
				s.Kill()
				var wg sync.WaitGroup
				for range test.crowd {
					wg.Go(func() { _, _ = st.Load(t.Context(), newRecord().ID) })
				}
				wg.Wait()

				_, err := st.Load(t.Context(), newRecord().ID)
				wantRefused(t, "Load", err)
				err = st.Create(t.Context(), newRecord())
				wantRefused(t, "Create", err)
			})
		})
	}
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || isContract(err) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%s: error %v, want one that says that the connection was refused", what, err)
	}
}
