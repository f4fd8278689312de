package rueidis_test

import (
	"net"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestDemotedMaster promotes the replica behind a proxy, as the services of
// clouds and Kubernetes do: the address is the same, the old connections stay
// with the old master, which now takes no writes. A store must leave them.
func TestDemotedMaster(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		late time.Duration // how much later than the switch the proxy follows
		opts rueidis.Options
	}{
		{"at once", 0, rueidis.Options{}},
		{"a second later", time.Second, rueidis.Options{}},
		{"at once, cached", 0, rueidis.Options{ClientCacheTTL: time.Second}},
		{"at once, acknowledged by a replica", 0, rueidis.Options{WaitReplicas: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			redistest.Each(t, func(t *testing.T, p redistest.Program) {
				master, replica, _ := startReplicated(t, p)
				proxy := redistest.NewProxy(t, master.Addr)
				test.opts.Timeout = 20 * time.Second // a slow machine is no failure
				st := open(t, "redis://"+proxy.Addr, test.opts)
				rec := newRecord()
				if err := st.Create(t.Context(), rec); err != nil {
					t.Fatal(err)
				}
				replica.Wait(func(reply string) bool { return reply == "1" }, "EXISTS", "session:"+rec.ID.String())
				time.Sleep(300 * time.Millisecond) // the connection is not a new one

				host, port, err := net.SplitHostPort(replica.Addr)
				if err != nil {
					t.Fatal(err)
				}
				replica.MustDo("REPLICAOF", "NO", "ONE")
				master.MustDo("REPLICAOF", host, port)
				timer := time.AfterFunc(test.late, func() { proxy.Redirect(replica.Addr) })
				defer timer.Stop()

				began := time.Now()
				if err := st.Update(t.Context(), rec.Rev, next(rec)); err != nil {
					t.Errorf("Update: %v", err)
				}
				if err := st.Delete(t.Context(), rec.ID); err != nil {
					t.Errorf("Delete: %v", err)
				}
				t.Logf("the first writes took %v", time.Since(began))
				if n := replica.MustDo("STRLEN", "session:"+rec.ID.String()); n != "9" {
					t.Errorf("the new master has %s bytes of the session, want a tombstone", n)
				}
			})
		})
	}
}
