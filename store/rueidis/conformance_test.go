package rueidis_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
	"github.com/typedsession/typedsession/store/storetest"
)

// The rights that docs/REDIS.md says are needed.
var (
	leastRights = []string{
		"~session:*", "+ping", "+eval", "+evalsha", "+get", "+set", "+getrange", "+del",
		"+zadd", "+zscore", "+zrem", "+zrangebyscore", "+zremrangebyscore", "+pttl", "+pexpire",
	}
	cachedRights   = slices.Concat(leastRights, []string{"+client|tracking", "+client|caching", "+multi", "+exec"})
	databaseRights = slices.Concat(leastRights, []string{"+select"})
	clusterRights  = slices.Concat(leastRights, []string{"+cluster|slots", "+cluster|shards", "+asking"})
	sentinelRights = slices.Concat(leastRights, []string{"+role", "+wait"})
)

// allow gives the user shop, whose password is secret, these rights and no
// others.
func allow(servers []*redistest.Server, rights []string) {
	for _, s := range servers {
		s.MustDo(slices.Concat([]string{"ACL", "SETUSER", "shop", "reset", "on", ">secret"}, rights)...)
	}
}

// TestConformance runs the conformance kit against every way in which a store
// can reach a server.
func TestConformance(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		run := func(name string, st func(t *testing.T) *rueidis.Store) {
			t.Run(name, func(t *testing.T) {
				st := st(t)
				storetest.Run(t, func(*testing.T) store.Store { return st })
			})
		}
		s := p.Start(t, "--unixsocket", filepath.Join(t.TempDir(), "s"))
		socket := strings.Split(s.MustDo("CONFIG", "GET", "unixsocket"), "\n")[1]
		allow([]*redistest.Server{s}, leastRights)

		run("standalone", func(t *testing.T) *rueidis.Store {
			return open(t, "redis://"+s.Addr, rueidis.Options{})
		})
		run("unix socket", func(t *testing.T) *rueidis.Store {
			return open(t, "unix://"+socket, rueidis.Options{})
		})
		run("a user with the least rights", func(t *testing.T) *rueidis.Store {
			return open(t, asShop("redis://"+s.Addr), rueidis.Options{})
		})
		run("RESP2", func(t *testing.T) *rueidis.Store {
			return open(t, "redis://"+s.Addr+"?protocol=2", rueidis.Options{})
		})
		run("cached", func(t *testing.T) *rueidis.Store {
			return open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: time.Minute})
		})
		run("a client of the application's", func(t *testing.T) *rueidis.Store {
			return newStore(t, client.ClientOption{InitAddress: []string{s.Addr}}, rueidis.Options{Prefix: "app:"})
		})
		run("TLS with a client certificate", func(t *testing.T) *rueidis.Store {
			s, config := p.StartTLS(t)
			return newStore(t, client.ClientOption{InitAddress: []string{s.Addr}, TLSConfig: config}, rueidis.Options{})
		})
		run("two commands", func(t *testing.T) *rueidis.Store {
			return splitStore(t, s.Addr)
		})
		run("cluster", func(t *testing.T) *rueidis.Store {
			c := p.StartCluster(t, false)
			allow(c.Nodes(), clusterRights)
			return open(t, asShop(clusterURL(c)), rueidis.Options{})
		})
		run("sentinel and acknowledged by a replica", func(t *testing.T) *rueidis.Store {
			pair := p.StartPair(t)
			allow([]*redistest.Server{pair.Master, pair.Replica}, sentinelRights)
			return open(t, asShop(sentinelURL(pair)), rueidis.Options{WaitReplicas: 1})
		})
	})
}

// testLife takes a session from its login to the revocation of its subject.
func testLife(t *testing.T, st *rueidis.Store) {
	ctx, subject, since := t.Context(), store.NewID().String(), time.Now()
	rec := asLogin(newRecord(), subject, since)
	if err := st.Create(ctx, rec); err != nil {
		t.Fatal(err)
	}
	if !lists(t, st, subject, rec.ID) {
		t.Error("the session is not listed")
	}
	more := next(rec)
	if err := st.Update(ctx, rec.Rev, more); err != nil {
		t.Fatal(err)
	}
	got, err := st.Load(ctx, rec.ID)
	if err != nil || got.Rev != more.Rev {
		t.Errorf("Load: %v, %v", got, err)
	}
	ids, err := st.RevokeSubject(ctx, subject, since)
	if err != nil || !slices.Equal(ids, []store.ID{rec.ID}) {
		t.Errorf("RevokeSubject: %v, %v", ids, err)
	}
	if _, err := st.Load(ctx, rec.ID); !errors.As(err, new(*store.DeletedError)) {
		t.Errorf("Load: %v, want a DeletedError", err)
	}
	if err := st.Create(ctx, asLogin(newRecord(), subject, since)); !errors.Is(err, store.ErrRevoked) {
		t.Errorf("a login that was revoked: %v", err)
	}
}

func clusterURL(c *redistest.Cluster) string {
	url := "redis://"
	for i, n := range c.Nodes() {
		url += []string{"", "?addr=", "&addr="}[min(i, 2)] + n.Addr
	}
	return url
}

func sentinelURL(p *redistest.Pair) string {
	return "redis://" + p.Sentinel.Addr + "?master_set=" + redistest.MasterSet
}

// asShop returns the URL with the user that allow makes.
func asShop(url string) string {
	return strings.Replace(url, "redis://", "redis://shop:secret@", 1)
}
