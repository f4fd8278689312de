package rueidis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestClose makes sure that a Store ends the client that it made, and no other.
func TestClose(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := st.Load(t.Context(), newRecord().ID); !errors.Is(err, client.ErrClosing) {
			t.Errorf("Load after Close: %v, want ErrClosing", err)
		}
		if err := st.Delete(t.Context(), newRecord().ID); !errors.Is(err, client.ErrClosing) {
			t.Errorf("Delete after Close: %v, want ErrClosing", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("that took %v", took)
		}

		c, err := client.NewClient(client.ClientOption{InitAddress: []string{s.Addr}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		st, err = rueidis.New(c, rueidis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(t.Context(), c.B().Ping().Build()).Error(); err != nil {
			t.Errorf("the application's client after Close: %v", err)
		}
	})
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name string
		opts rueidis.Options
		want string // in the error, "" for none
	}{
		{"zero", rueidis.Options{}, ""},
		{"everything", rueidis.Options{Prefix: "p", Timeout: time.Second, ClientCacheTTL: time.Minute, WaitReplicas: 1}, ""},
		{"negative timeout", rueidis.Options{Timeout: -1}, "Timeout"},
		{"negative TTL", rueidis.Options{ClientCacheTTL: -1}, "ClientCacheTTL"},
		{"a TTL of more than a minute", rueidis.Options{ClientCacheTTL: time.Minute + 1}, "ClientCacheTTL"},
		{"negative replicas", rueidis.Options{WaitReplicas: -1}, "WaitReplicas"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, errNew := rueidis.New(unusedClient{}, test.opts)
			if test.want == "" {
				if errNew != nil {
					t.Errorf("New: %v", errNew)
				}
				return
			}
			_, errOpen := rueidis.Open(t.Context(), "redis://127.0.0.1:1", test.opts)
			for _, err := range []error{errNew, errOpen} {
				if err == nil || !strings.Contains(err.Error(), "Options."+test.want) {
					t.Errorf("error %v, want one that names %s", err, test.want)
				}
			}
		})
	}
	if _, err := rueidis.New(nil, rueidis.Options{}); err == nil {
		t.Error("New without a client succeeded")
	}
}

// unusedClient is a client that is never asked.
type unusedClient struct{ client.Client }
