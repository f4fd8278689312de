package rueidis

import (
	"errors"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
)

// TestIsWrongType has the server say what each version of it does say.
func TestIsWrongType(t *testing.T) {
	c, err := client.NewClient(client.ClientOption{InitAddress: []string{redistest.Start(t).Addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
	for _, test := range []struct {
		name, text string
		want       bool
	}{
		{"a command, and a script since Redis 7", wrong, true},
		{"a script of Redis 6", "ERR Error running script (call to f_0123): @user_script:1: " + wrong, true},
		{"another error", "ERR Error running script (call to f_0123): @user_script:1: OOM", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := c.Do(t.Context(), c.B().Eval().Script("return redis.error_reply(ARGV[1])").Numkeys(0).Arg(test.text).Build()).Error()
			if got := isWrongType(err); got != test.want {
				t.Errorf("isWrongType(%v) = %v", err, got)
			}
		})
	}
	if isWrongType(errors.New(wrong)) {
		t.Error("an error that is none of the server's")
	}
}

// TestAdvisedPool makes sure that connections which a burst of writes has made
// are not kept for ever. How many there are is tested with a server.
func TestAdvisedPool(t *testing.T) {
	settings := client.ClientOption{InitAddress: []string{"localhost:6379"}}
	advise(&settings, Options{Timeout: time.Second, WaitReplicas: 1})
	if d := settings.BlockingPoolCleanup; d <= 0 || d > 5*time.Minute {
		t.Errorf("idle connections are kept for %v", d)
	}
}
