package rueidis_test

import (
	"context"
	"testing"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store/rueidis"
)

// shardedClient is a client of a proxy that hides a cluster: it looks like one
// server, and refuses scripts that need keys of two nodes.
type shardedClient struct{ client.Client }

func (c shardedClient) Do(ctx context.Context, cmd client.Completed) client.RedisResult {
	if words := cmd.Commands(); (words[0] == "EVALSHA" || words[0] == "EVAL") && words[2] == "2" {
		const refusal = "return redis.error_reply('CROSSSLOT Keys in request do not hash to the same slot')"
		cmd = c.B().Eval().Script(refusal).Numkeys(0).Build()
	}
	return c.Client.Do(ctx, cmd)
}

// TestShardingProxy makes sure that a store finds out that it must write a record
// and its index entry by two commands.
func TestShardingProxy(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		c, err := client.NewClient(client.ClientOption{InitAddress: []string{p.Start(t).Addr}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		st, err := rueidis.New(shardedClient{c}, rueidis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		testLife(t, st)
	})
}
