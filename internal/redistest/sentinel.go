package redistest

import (
	"fmt"
	"net"
	"testing"
)

// Pair is a master, its replica, and the sentinels that watch them.
type Pair struct {
	Master, Replica *Server
	Sentinel        *Server // the first of Sentinels
	Sentinels       []*Server
}

// MasterSet is the name under which a Pair's sentinels know their master.
const MasterSet = "sessions"

// StartPair starts a replicated pair under one sentinel, which takes the
// master for dead after half a second.
func (p Program) StartPair(t testing.TB) *Pair {
	t.Helper()
	return p.startPair(t, 1)
}

// StartPairWithSentinels starts a replicated pair under three sentinels, two of
// which must agree.
func (p Program) StartPairWithSentinels(t testing.TB) *Pair {
	t.Helper()
	return p.startPair(t, 3)
}

func (p Program) startPair(t testing.TB, sentinels int) *Pair {
	t.Helper()
	pair := &Pair{Master: p.Start(t, "--repl-diskless-sync-delay", "0")}
	host, port, _ := net.SplitHostPort(pair.Master.Addr)
	pair.Replica = p.Start(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	pair.Replica.Wait(contains("master_link_status:up"), "INFO", "replication")
	for range sentinels {
		s := p.StartSentinel(t, pair.Master, 1+sentinels/2, "")
		pair.Sentinels = append(pair.Sentinels, s)
	}
	pair.Sentinel = pair.Sentinels[0]
	for _, s := range pair.Sentinels {
		s.Wait(contains(fmt.Sprintf("slaves=1,sentinels=%d", sentinels)), "INFO", "sentinel")
	}
	return pair
}

// StartSentinel starts a sentinel for a master. As many as quorum must agree that
// the master is dead. It asks its clients for a password unless that is empty.
func (p Program) StartSentinel(t testing.TB, master *Server, quorum int, password string) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr)
	own := FreePort(t)
	s := p.newServer(t, own, nil)
	if password != "" {
		password = "requirepass " + password
	}
	// A sentinel writes what it learns into its configuration file.
	s.args = []string{writeFile(t, s.dir, "sentinel.conf", `
bind 127.0.0.1
port %s
dir %s
%s
sentinel monitor %[4]s %[5]s %[6]s %[7]d
sentinel down-after-milliseconds %[4]s 500
sentinel failover-timeout %[4]s 3000
`, own, s.dir, password, MasterSet, host, port, quorum), "--sentinel"}
	s.Run()
	return s
}
