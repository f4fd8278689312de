package rueidis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	client "github.com/redis/rueidis"
)

const (
	// keepAlive is after how long a silent connection is probed, and
	// writeTimeout how long the answer may then take: a server, or a Sentinel,
	// that hangs is given up after twice the one plus the other.
	keepAlive    = time.Second
	writeTimeout = 2 * time.Second
)

// advise gives the client the settings that sessions want, if the URL has
// not said otherwise. docs/REDIS.md has the measurements behind them.
func advise(settings *client.ClientOption, opts Options) *connections {
	settings.ConnWriteTimeout = cmp.Or(settings.ConnWriteTimeout, writeTimeout)
	settings.Dialer.KeepAlive = keepAlive
	// Callers wait for a connection that another one makes, whatever their
	// contexts say.
	settings.Dialer.Timeout = min(cmp.Or(settings.Dialer.Timeout, opts.Timeout), opts.Timeout)
	settings.ClusterOption.ShardsRefreshInterval = 5 * time.Second
	settings.DisableRetry = true // see persist
	// One connection for each node, which waits a moment for more commands to
	// send along, is more than the four that are the client's default: 64
	// goroutines read 1.7 times as much. One goroutine does not wait.
	settings.PipelineMultiplex = -1
	settings.MaxFlushDelay = 20 * time.Microsecond
	// Writes that wait for replicas take a connection each. The client would
	// make 1024, and keep them for ever.
	settings.BlockingPoolSize = 128
	settings.BlockingPoolCleanup = time.Minute
	// Without a cache it needs fewer rights, and RESP2 is enough.
	settings.DisableCache = opts.ClientCacheTTL == 0
	if settings.Sentinel.MasterSet != "" {
		// The client gives the connection to a Sentinel no default of its own
		// for KeepAlive, and without one it waits for ever for a Sentinel that
		// hangs, while another promotes a replica.
		settings.Sentinel.Dialer = settings.Dialer
		settings.Sentinel.TLSConfig = settings.TLSConfig
		settings.Sentinel.TopologyRefreshInterval = 5 * time.Second
	}
	c := &connections{dial: settings.DialCtxFn}
	if c.dial == nil {
		host, _, _ := net.SplitHostPort(settings.InitAddress[0])
		c.dial = dialNode(host)
	}
	settings.DialCtxFn = c.Dial
	return c
}

// connect makes a client, which takes no context.
func connect(ctx context.Context, settings client.ClientOption) (client.Client, error) {
	made := make(chan answer[client.Client], 1)
	go func() {
		c, err := client.NewClient(settings)
		made <- answer[client.Client]{c, err}
	}()
	select {
	case a := <-made:
		return a.value, a.err
	case <-ctx.Done():
		go func() {
			if a := <-made; a.value != nil {
				a.value.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// explain adds to an error of a server what its message leaves open.
func explain(err error, settings *client.ClientOption, rights string) error {
	text := err.Error()
	switch {
	case errors.Is(err, errNoNotice), errors.Is(err, client.ErrDoCacheAborted):
		return fmt.Errorf("%w (ClientCacheTTL needs the rights %s)", err, rights)
	case strings.Contains(text, "permission") || strings.Contains(text, "can't run this command"):
		// Servers say of a script that it lacks a right, and not always which.
		return fmt.Errorf("%w (the user needs the rights %s)", err, rights)
	case settings.Sentinel.MasterSet != "" && (strings.Contains(text, "NOAUTH") || strings.Contains(text, "WRONGPASS")):
		return fmt.Errorf("%w (a Sentinel's own password is the URL's parameter sentinel_password)", err)
	}
	return err
}

// rights returns what the server's user must be allowed to do.
func rights(settings *client.ClientOption, opts Options, mode client.ClientMode) string {
	rights := "~" + opts.Prefix + "* +ping +eval +evalsha +get +set +getrange +del" +
		" +zadd +zscore +zrem +zrangebyscore +zremrangebyscore +pttl +pexpire"
	if opts.ClientCacheTTL > 0 {
		rights += " +client|tracking +client|caching +multi +exec"
	}
	if opts.WaitReplicas > 0 {
		rights += " +wait"
	}
	if settings.SelectDB != 0 {
		rights += " +select"
	}
	switch {
	case settings.Sentinel.MasterSet != "":
		rights += " +role"
	case mode == client.ClientModeCluster || len(settings.InitAddress) > 1:
		rights += " +cluster|slots +cluster|shards +asking"
	}
	return rights
}
