package rueidis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestSentinelHangs freezes the sentinel that the client listens to, and has
// another one promote the replica. The old master stays up. The store must go
// over to the new one within the time that docs/REDIS.md states.
func TestSentinelHangs(t *testing.T) {
	t.Parallel()
	const (
		stated = 10 * time.Second
		slack  = 20 * time.Second // for a slow machine; without a limit it would never come
	)
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		pair := p.StartPairWithSentinels(t)
		url := "redis://" + pair.Sentinels[0].Addr + "?master_set=" + redistest.MasterSet
		for _, s := range pair.Sentinels[1:] {
			url += "&addr=" + s.Addr
		}
		st := open(t, url, rueidis.Options{})
		var hung, other *redistest.Server
		for _, s := range pair.Sentinels {
			if strings.Contains(s.MustDo("CLIENT", "LIST"), "cmd=subscribe") {
				hung = s
			} else {
				other = s
			}
		}
		if hung == nil {
			t.Fatal("the client listens to no sentinel")
		}
		hung.Freeze()
		t.Cleanup(hung.Thaw)
		frozen := time.Now()
		other.MustDo("SENTINEL", "FAILOVER", redistest.MasterSet)
		pair.Replica.Wait(isMaster, "ROLE")
		promoted := time.Now()

		for {
			rec := newRecord()
			err := st.Create(t.Context(), rec)
			if err == nil && pair.Replica.MustDo("EXISTS", "session:"+rec.ID.String()) == "1" {
				break
			}
			if took := time.Since(frozen); took > stated+slack {
				t.Fatalf("%v after the sentinel hung, writes do not reach the new master: %v", took, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("promoted %v, and writes reach the new master %v, after the sentinel hung",
			promoted.Sub(frozen), time.Since(frozen))
	})
}
