package redistest

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Cluster is a Redis Cluster of three masters, with a replica each or without.
type Cluster struct {
	Masters  []*Server
	Replicas []*Server // Replicas[i] follows Masters[i]
}

// slotCount is the number of hash slots of every Redis Cluster.
const slotCount = 16384

// StartCluster starts a cluster and returns when all of it is writable, which
// takes two seconds: a new master refuses writes for as long, and cannot be
// told otherwise. A node counts as failed after a second.
func (p Program) StartCluster(t testing.TB, withReplicas bool) *Cluster {
	t.Helper()
	c := &Cluster{Masters: make([]*Server, 3)}
	for i := range c.Masters {
		c.Masters[i] = p.startNode(t)
	}
	if withReplicas {
		c.Replicas = make([]*Server, len(c.Masters))
		for i := range c.Replicas {
			c.Replicas[i] = p.startNode(t)
		}
	}

	for i, m := range c.Masters {
		from, to := i*slotCount/len(c.Masters), (i+1)*slotCount/len(c.Masters)-1
		m.MustDo("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to))
		m.MustDo("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	nodes := c.Nodes()
	host, port, _ := net.SplitHostPort(nodes[0].Addr)
	bus := nodes[0].MustDo("CONFIG", "GET", "cluster-port")
	_, bus, _ = strings.Cut(bus, "\n")
	for _, n := range nodes[1:] {
		n.MustDo("CLUSTER", "MEET", host, port, bus)
	}
	all := fmt.Sprintf("cluster_known_nodes:%d", len(nodes))
	for _, n := range nodes {
		n.Wait(contains(all), "CLUSTER", "INFO")
	}
	for i, r := range c.Replicas {
		id := c.Masters[i].MustDo("CLUSTER", "MYID")
		// A node that has heard of the master only in passing refuses at first.
		r.Wait(contains("OK"), "CLUSTER", "REPLICATE", id)
	}
	for _, r := range c.Replicas {
		r.Wait(contains("master_link_status:up"), "INFO", "replication")
	}
	for _, n := range nodes {
		n.Wait(contains("cluster_state:ok"), "CLUSTER", "INFO")
	}
	return c
}

// startNode starts one node that belongs to no cluster yet.
func (p Program) startNode(t testing.TB) *Server {
	t.Helper()
	return p.Start(t,
		"--cluster-enabled", "yes",
		"--cluster-port", FreePort(t),
		"--cluster-node-timeout", "1000",
		"--cluster-replica-validity-factor", "0",
		"--repl-diskless-sync-delay", "0",
	)
}

// Nodes returns all servers, the masters first.
func (c *Cluster) Nodes() []*Server { return slices.Concat(c.Masters, c.Replicas) }

// MigrateKey moves the slot of a key, with all its keys, from the master that has
// it to another one. It does so in the way of redis-cli, while clients are working.
func (c *Cluster) MigrateKey(key string) {
	slot := c.Masters[0].MustDo("CLUSTER", "KEYSLOT", key)
	var source, target *Server
	for _, m := range c.Masters {
		if strings.HasPrefix(m.Do("GET", key), "-MOVED") {
			target = m
		} else {
			source = m
		}
	}
	sourceID, targetID := source.MustDo("CLUSTER", "MYID"), target.MustDo("CLUSTER", "MYID")
	target.MustDo("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceID)
	source.MustDo("CLUSTER", "SETSLOT", slot, "MIGRATING", targetID)
	host, port, _ := net.SplitHostPort(target.Addr)
	for {
		keys := source.MustDo("CLUSTER", "GETKEYSINSLOT", slot, "100")
		if keys == "" {
			break
		}
		args := []string{"MIGRATE", host, port, "", "0", "5000", "KEYS"}
		source.MustDo(append(args, strings.Split(keys, "\n")...)...)
	}
	target.MustDo("CLUSTER", "SETSLOT", slot, "NODE", targetID)
	source.MustDo("CLUSTER", "SETSLOT", slot, "NODE", targetID)
}

func contains(part string) func(string) bool {
	return func(reply string) bool { return strings.Contains(reply, part) }
}
