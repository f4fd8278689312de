package rueidis

import (
	"context"
	"fmt"
	"time"

	client "github.com/redis/rueidis"
)

// openTimeout bounds Open, beside its context.
const openTimeout = 10 * time.Second

// Open connects to the server, cluster or Sentinels at rawURL and returns a
// Store that must be closed. It creates, updates and deletes a session, so that
// a server that cannot be used is an error here and not at the first request. It
// takes 10 seconds at most. No error has a password in it.
//
//	redis://user:password@host:6379/0
//	rediss://host:6379                                  TLS, system roots
//	redis://host1:6379?addr=host2:6379&addr=host3:6379  nodes of a cluster
//	redis://host1:26379?addr=host2:26379&master_set=x   Sentinels
//	unix:///run/redis/redis.sock
//
// User and password are the servers'. Those of Sentinels are the parameters
// sentinel_username and sentinel_password. More parameters are db, client_name,
// dial_timeout, write_timeout, protocol (2 or 3) and skip_verify. Any other is
// an error. With TLS, a certificate must be for the host that is dialled or for
// the first host of the URL. For anything else, such as a CA of your own or a
// client certificate, make a client and pass it to [New].
func Open(ctx context.Context, rawURL string, opts Options) (*Store, error) {
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	settings, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	conns := advise(&settings, opts)

	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	c, err := connect(ctx, settings)
	if err != nil {
		err = explain(err, &settings, rights(&settings, opts, client.ClientModeStandalone))
		return nil, fmt.Errorf("rueidis: open: %w", err)
	}
	st, err := New(c, opts)
	if err != nil {
		c.Close()
		return nil, err
	}
	st.conns = conns
	if err := st.check(ctx); err != nil {
		c.Close()
		return nil, explain(err, &settings, rights(&settings, opts, c.Mode()))
	}
	return st, nil
}
