package rueidis_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestReplication shows what asynchronous replication cannot promise, and that
// Options.Replicas can: a logout is answered with success while the link to the
// replica is silent, the replica is promoted, and the session is back.
func TestReplication(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		for _, replicas := range []int{0, 1} {
			master, replica, link := startReplicated(t, p)
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
			if replicas == 1 {
				wantUnacknowledged(t, err)
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

// TestReplicationLostAnswer loses the answer to a write that has not reached the
// replica. Finding the write in place is not enough.
func TestReplicationLostAnswer(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		master, _, link := startReplicated(t, p)
		proxy := redistest.NewProxy(t, master.Addr)
		st := open(t, "redis://"+proxy.Addr, rueidis.Options{Replicas: 1})
		rec := newRecord()
		ref, err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		proxy.LoseAnswer(func() {})
		second := next(rec)
		if _, err := st.Update(t.Context(), ref, rec.Rev, second); err != nil {
			t.Errorf("Update with a replica in reach: %v", err)
		}
		link.Silence(true)
		proxy.LoseAnswer(func() {})
		_, err = st.Update(t.Context(), ref, second.Rev, next(rec))
		wantUnacknowledged(t, err)
	})
}

func wantUnacknowledged(t *testing.T, err error) {
	t.Helper()
	if err == nil || isContract(err) || !strings.Contains(err.Error(), "acknowledged by 0 replicas of 1") {
		t.Errorf("error %v, want one that says how many replicas have it", err)
	}
}

// startReplicated starts a master and a replica, and what links them.
func startReplicated(t *testing.T, p redistest.Program) (master, replica *redistest.Server, link *redistest.Proxy) {
	t.Helper()
	master = p.Start(t, "--repl-diskless-sync-delay", "0")
	link = redistest.NewProxy(t, master.Addr)
	host, port, err := net.SplitHostPort(link.Addr)
	if err != nil {
		t.Fatal(err)
	}
	replica = p.Start(t, "--replicaof", host+" "+port)
	replica.Wait(func(reply string) bool {
		return strings.Contains(reply, "master_link_status:up")
	}, "INFO", "replication")
	// The master may take longer to count it in than a store waits.
	master.Wait(func(reply string) bool {
		return strings.Contains(reply, "state=online")
	}, "INFO", "replication")
	return master, replica, link
}
