package rueidis_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
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
			st := open(t, "redis://"+master.Addr, rueidis.Options{WaitReplicas: replicas})
			rec := newRecord()
			err := st.Create(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			replica.Wait(func(reply string) bool { return reply == "1" }, "EXISTS", "session:"+rec.ID.String())
			link.Silence(true)

			began := time.Now()
			err = st.Delete(t.Context(), rec.ID)
			t.Logf("Replicas %d: Delete without a replica in reach: %v, after %v", replicas, err, time.Since(began))
			if replicas == 0 && err != nil {
				t.Errorf("Delete: %v", err)
			}
			if replicas == 1 {
				wantUnacknowledged(t, err)
			}
			if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load after Delete: %v, want ErrNotFound", err)
			}

			replica.MustDo("REPLICAOF", "NO", "ONE")
			_, err = open(t, "redis://"+replica.Addr, rueidis.Options{}).Load(t.Context(), rec.ID)
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
		st := open(t, "redis://"+proxy.Addr, rueidis.Options{WaitReplicas: 1})
		rec := newRecord()
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		proxy.LoseAnswer(func() {})
		second := next(rec)
		if err := st.Update(t.Context(), rec.Rev, second); err != nil {
			t.Errorf("Update with a replica in reach: %v", err)
		}
		link.Silence(true)
		proxy.LoseAnswer(func() {})
		err = st.Update(t.Context(), second.Rev, next(rec))
		wantUnacknowledged(t, err)
	})
}

// TestReplicasOfEachWrite has no replica: no write succeeds that matters in a
// fail-over.
func TestReplicasOfEachWrite(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		settings := client.ClientOption{InitAddress: []string{p.Start(t).Addr}}
		st := newStore(t, settings, rueidis.Options{WaitReplicas: 1, Timeout: time.Second})
		rec := newRecord()
		ctx := t.Context()
		for _, write := range []struct {
			name string
			run  func() error
		}{
			{"create", func() error { err := st.Create(ctx, rec); return err }},
			{"update", func() error { err := st.Update(ctx, rec.Rev, next(rec)); return err }},
			{"delete", func() error { return st.Delete(ctx, rec.ID) }},
			{"login", func() error { return st.Create(ctx, asLogin(newRecord(), "alice", time.Now())) }},
			{"revoke the subject", func() error { _, err := st.RevokeSubject(ctx, "alice", time.Now()); return err }},
			{"revoke", func() error { return st.Revoker().Revoke(ctx, "alice", time.Now(), rec.Expires) }},
		} {
			t.Run(write.name, func(t *testing.T) { wantUnacknowledged(t, write.run()) })
		}
	})
}

// TestRevocationsAreWrittenAgain makes sure that a revocation which is there
// already is written again, since a replica acknowledges nothing else.
func TestRevocationsAreWrittenAgain(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		changes := func() string {
			info := s.MustDo("INFO", "persistence")
			_, info, _ = strings.Cut(info, "rdb_changes_since_last_save:")
			n, _, _ := strings.Cut(info, "\r")
			return n
		}
		before := time.Now()
		for _, note := range []struct {
			name string
			run  func() error
		}{
			{"revoke the subject", func() error { _, err := st.RevokeSubject(t.Context(), "alice", before); return err }},
			{"revoke", func() error { return st.Revoker().Revoke(t.Context(), "alice", before, rec.Expires) }},
		} {
			t.Run(note.name, func(t *testing.T) {
				var counts [3]string
				for i := range counts {
					counts[i] = changes()
					if err := note.run(); err != nil {
						t.Fatal(err)
					}
				}
				if counts[1] == counts[0] || changes() == counts[2] {
					t.Errorf("changes %q, then %q: the last time nothing was written", counts, changes())
				}
			})
		}
	})
}

// TestReplicasConnections makes sure that a burst of writes does not leave a
// connection for each.
func TestReplicasConnections(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		master, _, _ := startReplicated(t, p)
		st := open(t, "redis://"+master.Addr, rueidis.Options{WaitReplicas: 1, Timeout: 20 * time.Second})
		var wg sync.WaitGroup
		for range 600 {
			wg.Go(func() {
				if err := st.Create(t.Context(), newRecord()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		clients := strings.Count(master.MustDo("CLIENT", "LIST", "TYPE", "normal"), "cmd=")
		if clients > 128+10 { // and those for everything else
			t.Errorf("%d connections after a burst, want about 128", clients)
		}
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
