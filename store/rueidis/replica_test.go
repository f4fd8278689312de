package rueidis_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/rueidis"
	"github.com/typedsession/typedsession/store/rueidis/internal/redistest"
)

// TestReplication shows what asynchronous replication cannot promise, and that
// Options.Replicas can: a logout is answered with success while the link to the
// replica is silent, the replica is promoted, and the session is back.
func TestReplication(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		for _, replicas := range []int{0, 1} {
			master := p.Start(t, "--repl-diskless-sync-delay", "0")
			link := redistest.NewProxy(t, master.Addr)
			host, port, err := net.SplitHostPort(link.Addr)
			if err != nil {
				t.Fatal(err)
			}
			replica := p.Start(t, "--replicaof", host+" "+port)
			replica.Wait(func(reply string) bool {
				return strings.Contains(reply, "master_link_status:up")
			}, "INFO", "replication")

			st := open(t, "redis://"+master.Addr, rueidis.Options{Replicas: replicas})
			rec := newRecord()
			ref, err := st.Create(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			replica.Wait(func(reply string) bool { return reply == "1" }, "EXISTS", "session:"+ref)
			link.Silence(true)

			began := time.Now()
			err = st.Delete(t.Context(), ref)
			t.Logf("Replicas %d: Delete without a replica in reach: %v, after %v", replicas, err, time.Since(began))
			if replicas == 0 && err != nil {
				t.Errorf("Delete: %v", err)
			}
			if replicas == 1 && (err == nil || isContract(err) || !strings.Contains(err.Error(), "acknowledged by 0 replicas of 1")) {
				t.Errorf("Delete: %v, want an error that says how many replicas have it", err)
			}
			if _, err := st.Load(t.Context(), ref); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Load after Delete: %v, want ErrNotFound", err)
			}

			replica.MustDo("REPLICAOF", "NO", "ONE")
			_, err = open(t, "redis://"+replica.Addr, rueidis.Options{}).Load(t.Context(), ref)
			if err != nil {
				t.Errorf("the replica was cut off in time, but has no session: %v", err)
			}
			t.Logf("Replicas %d: after the fail-over the session that was ended is back", replicas)
		}
	})
}
