package rueidis_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestNetworkFaults breaks what lies between the application and one server.
func TestNetworkFaults(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		t.Run("every connection is cut every 5 ms", func(t *testing.T) {
			proxy := redistest.NewProxy(t, p.Start(t).Addr)
			s := newSite(t, open(t, "redis://"+proxy.Addr, rueidis.Options{}))
			s.under(func() {
				stop := proxy.CutEvery(5 * time.Millisecond)
				time.Sleep(2 * time.Second)
				t.Logf("%d connections cut", stop())
			})
		})
		t.Run("CLIENT KILL", func(t *testing.T) {
			server := p.Start(t)
			s := newSite(t, open(t, "redis://"+server.Addr, rueidis.Options{}))
			s.under(func() {
				killed := 0
				for range 200 {
					n, err := strconv.Atoi(server.MustDo("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
					if err != nil {
						t.Error(err)
					}
					killed += n
					time.Sleep(5 * time.Millisecond)
				}
				t.Logf("%d connections killed", killed)
			})
		})
		t.Run("CLIENT PAUSE", func(t *testing.T) {
			server := p.Start(t)
			s := newSite(t, open(t, "redis://"+server.Addr, rueidis.Options{}))
			s.under(func() {
				server.MustDo("CLIENT", "PAUSE", "1000", "ALL")
				time.Sleep(time.Second)
			})
		})
		t.Run("the network goes silent", func(t *testing.T) {
			proxy := redistest.NewProxy(t, p.Start(t).Addr)
			s := newSite(t, open(t, "redis://"+proxy.Addr, rueidis.Options{}))
			s.under(func() {
				proxy.Silence(true)
				time.Sleep(time.Second)
				proxy.Silence(false)
			})
		})
	})
}

// TestServerFaults ends the server and starts it again.
func TestServerFaults(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		t.Run("killed and restarted with its append-only file", func(t *testing.T) {
			server := p.Start(t, "--appendonly", "yes")
			s := newSite(t, open(t, "redis://"+server.Addr, rueidis.Options{}))
			s.under(func() {
				server.Kill()
				time.Sleep(500 * time.Millisecond)
				server.Run()
			})
		})
		t.Run("frozen for a while", func(t *testing.T) {
			server := p.Start(t)
			s := newSite(t, open(t, "redis://"+server.Addr, rueidis.Options{}))
			s.under(func() {
				server.Freeze()
				time.Sleep(2500 * time.Millisecond)
				server.Thaw()
			})
		})
	})
}

// TestClusterFaults moves slots and masters of a cluster with three replicas.
func TestClusterFaults(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		c := p.StartCluster(t, true)
		allow(c.Nodes(), slices.Concat(clusterRights, []string{"+wait"}))
		t.Run("slots migrate", func(t *testing.T) {
			s := newSite(t, open(t, asShop(clusterURL(c)), rueidis.Options{}))
			s.under(func() {
				for _, id := range s.ids(30) {
					c.MigrateKey("session:" + id.String())
				}
			})
		})
		t.Run("CLUSTER FAILOVER", func(t *testing.T) {
			s := newSite(t, open(t, asShop(clusterURL(c)), rueidis.Options{}))
			s.under(func() {
				c.Replicas[1].MustDo("CLUSTER", "FAILOVER")
				c.Replicas[1].Wait(isMaster, "ROLE")
			})
		})
		t.Run("a master is killed", func(t *testing.T) {
			// WaitReplicas: 1, because replication is asynchronous: without it an
			// addition that was answered a moment before the crash may be lost.
			s := newSite(t, open(t, asShop(clusterURL(c)), rueidis.Options{WaitReplicas: 1}))
			s.under(func() {
				c.Masters[0].Kill()
				c.Replicas[0].Wait(isMaster, "ROLE")
				c.Masters[0].Run() // as the replica that the new master needs
				allow(c.Masters[:1], slices.Concat(clusterRights, []string{"+wait"}))
			})
		})
	})
}

// TestSentinelFaults has the sentinel promote the replica, on demand and because
// the master is dead.
func TestSentinelFaults(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		pair := p.StartPair(t)
		allow([]*redistest.Server{pair.Master, pair.Replica}, sentinelRights)
		t.Run("SENTINEL FAILOVER", func(t *testing.T) {
			s := newSite(t, open(t, asShop(sentinelURL(pair)), rueidis.Options{WaitReplicas: 1}))
			s.under(func() {
				pair.Sentinel.MustDo("SENTINEL", "FAILOVER", redistest.MasterSet)
				pair.Replica.Wait(isMaster, "ROLE")
			})
		})
	})
}

// isMaster recognises a master in the reply to ROLE.
func isMaster(reply string) bool { return len(reply) > 6 && reply[:6] == "master" }
