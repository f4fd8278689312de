package rueidis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/store"
)

// openTimeout bounds Open, beside its context.
const openTimeout = 10 * time.Second

// Open connects to the server, cluster or sentinels at rawURL and returns a
// Store on them that must be closed. It creates, updates and deletes a session
// of its own, so that a server which will not do is found out here, and takes
// 10 seconds at most. No error has the password in it.
//
//	redis://user:password@host:6379/0
//	rediss://host:6379                                  TLS, system roots
//	redis://host1:6379?addr=host2:6379&addr=host3:6379  nodes of a cluster
//	redis://host1:26379?addr=host2:26379&master_set=x   sentinels
//	unix:///run/redis/redis.sock
//
// What a URL cannot say, such as a CA of one's own or a client certificate, is
// said to the client library, whose client [New] takes.
func Open(ctx context.Context, rawURL string, opts Options) (*Store, error) {
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	settings, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	advise(&settings, opts)

	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	c, err := connect(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("rueidis: open: %w", err)
	}
	st, err := New(c, opts)
	if err != nil {
		c.Close()
		return nil, err
	}
	st.owned = true
	if err := st.check(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return st, nil
}

// parseURL is the client library's, except that no error repeats a part of the
// URL: what stands in the place of a path or a port may be half a password
// whose special characters were not percent-encoded.
func parseURL(rawURL string) (client.ClientOption, error) {
	none := client.ClientOption{}
	u, err := url.Parse(rawURL)
	if err != nil {
		return none, errors.New("rueidis: the URL cannot be parsed; special characters in its password must be percent-encoded")
	}
	schemes := []string{"redis", "rediss", "valkey", "valkeys", "unix"}
	if !slices.Contains(schemes, u.Scheme) {
		return none, fmt.Errorf("rueidis: unknown scheme %q in the URL, want one of %s",
			u.Scheme, strings.Join(schemes, ", "))
	}
	if u.Fragment != "" || u.Opaque != "" || u.Scheme != "unix" && strings.Contains(u.Path+u.RawQuery, "@") {
		return none, errors.New("rueidis: the URL has an @ or # that is no part of its syntax; special characters in its password must be percent-encoded")
	}
	if u.Scheme == "unix" && u.Host != "" {
		return none, errors.New("rueidis: a unix URL has a path, as in unix:///run/redis.sock, and no host; special characters in its password must be percent-encoded")
	}
	settings, err := client.ParseURL(rawURL)
	if err != nil {
		// "redis: invalid database number: ..."
		_, what, _ := strings.Cut(err.Error(), ": ")
		what, _, _ = strings.Cut(what, ": ")
		return none, fmt.Errorf("rueidis: the URL is not valid: %s", what)
	}
	return settings, nil
}

// advise gives the client the settings that sessions want, where the URL has
// not said otherwise. docs/REDIS.md has the measurements behind them.
func advise(settings *client.ClientOption, opts Options) {
	settings.ConnWriteTimeout = cmp.Or(settings.ConnWriteTimeout, 2*time.Second)
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
	if opts.ClientCacheTTL == 0 {
		// Asks the server for less, and lets RESP2 do.
		settings.DisableCache = true
	}
	if settings.Sentinel.MasterSet != "" {
		settings.Sentinel.Dialer = settings.Dialer
		settings.Sentinel.TLSConfig = settings.TLSConfig
		settings.Sentinel.TopologyRefreshInterval = 5 * time.Second
	}
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

// check takes a session through its life, to see that the server will do, and
// that the user has the rights to all of it.
func (st *Store) check(ctx context.Context) error {
	err := st.rehearse(ctx)
	if err == nil {
		return nil
	}
	// Servers say of a script that it lacks a right, and not always which.
	text := err.Error()
	if strings.Contains(text, "permission") || strings.Contains(text, "can't run this command") {
		return fmt.Errorf("%w (the user needs the rights %s)", err, st.rights())
	}
	return err
}

func (st *Store) rehearse(ctx context.Context) error {
	if err := st.client.Do(ctx, st.client.B().Ping().Build()).Error(); err != nil {
		return fmt.Errorf("rueidis: ping: %w", err) // which the client sends at times
	}
	rec := store.Record{ID: store.NewID(), Rev: store.NewRev(), Expires: time.Now().Add(time.Minute)}
	rec.Subject = rec.ID.String()
	rec.LoginSince = time.Now()
	if err := st.Create(ctx, rec); err != nil {
		return err
	}
	if _, err := st.LoadUncached(ctx, rec.ID); err != nil {
		return err
	}
	if err := st.checkCache(ctx, rec); err != nil {
		return err
	}
	base := rec.Rev
	rec.Rev = store.NewRev()
	if err := st.Update(ctx, base, rec); err != nil {
		return err
	}
	if err := st.checkCache(ctx, rec); err != nil {
		return err
	}
	if err := st.checkIndex(ctx, rec); err != nil {
		return err
	}
	return st.Delete(ctx, rec.ID)
}

// checkIndex makes sure that a session is found by its subject. It is not if a
// proxy sends a script to the node of the script's first key, without telling
// that the second key belongs to another.
func (st *Store) checkIndex(ctx context.Context, rec store.Record) error {
	for {
		listed, err := st.ListSessions(ctx, rec.Subject)
		if err != nil {
			return err
		}
		if len(listed) == 1 {
			break
		}
		if st.sharded.Swap(true) {
			return errors.New("rueidis: list sessions: a session that was stored is not found")
		}
		base := rec.Rev
		rec.Rev = store.NewRev()
		if err := st.Update(ctx, base, rec); err != nil {
			return err
		}
	}
	if _, err := st.RevokeSubject(ctx, rec.Subject, rec.LoginSince); err != nil {
		return err
	}
	if err := st.drop(ctx, st.indexKey(rec.Subject), rec.ID); err != nil {
		return fmt.Errorf("rueidis: index: %w", err)
	}
	return nil
}

// checkCache makes sure that the client, where it is to cache, does so, and that
// the server tells it of changes: without a right to be told it would cache all
// the same.
func (st *Store) checkCache(ctx context.Context, rec store.Record) error {
	if st.recent == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, st.opts.Timeout)
	defer cancel()
	for {
		value, err := st.client.DoCache(ctx, client.Cacheable(st.get(rec.ID)).Pin(), time.Minute).AsBytes()
		if err != nil {
			return fmt.Errorf("rueidis: cached load: %w (ClientCacheTTL needs the rights %s)", err, st.rights())
		}
		if s, err := decode(rec.ID, value); err == nil && s.Rev == rec.Rev {
			return nil
		}
		if pause(ctx, 0) != nil {
			return fmt.Errorf("rueidis: cached load: no notice of a change within %v (ClientCacheTTL needs the rights %s)",
				st.opts.Timeout, st.rights())
		}
	}
}

// rights returns what the server's user must be allowed to do.
func (st *Store) rights() string {
	rights := "~" + st.opts.Prefix + "* +ping +eval +get +set +getrange +del" +
		" +zadd +zscore +zrem +zrangebyscore +zremrangebyscore +pttl +pexpire"
	if st.recent != nil {
		rights += " +client|tracking +client|caching +multi +exec"
	}
	if st.opts.WaitReplicas > 0 {
		rights += " +wait"
	}
	switch st.client.Mode() {
	case client.ClientModeCluster:
		rights += " +cluster|slots +cluster|shards +asking"
	case client.ClientModeSentinel:
		rights += " +role"
	}
	return rights
}
