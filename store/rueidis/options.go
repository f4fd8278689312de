package rueidis

import (
	"cmp"
	"fmt"
	"time"
)

// Options are the settings of a [Store]. The zero Options are the default.
type Options struct {
	// Prefix precedes the name of every key. Applications that share a server
	// need a prefix or a database of their own each, and so does each stage of
	// one application: with a common prefix, RevokeSubject of one ends the
	// sessions of the other's user of the same name. Empty means "session:".
	Prefix string

	// Timeout bounds every operation, beside the context that it is given. A
	// read or write that meets a broken connection is repeated until then.
	// Zero means 2 seconds; negative is an error.
	Timeout time.Duration

	// ClientCacheTTL is for how long a session that another process has ended
	// can still be loaded here if the network fails without closing the
	// connection. If it is not zero, the client keeps records in this process's
	// memory and answers loads from there. Redis pushes a notice when a record
	// changes, as a rule within a millisecond; the TTL bounds the case in which
	// the notice is lost. What this Store itself has written or deleted is never
	// taken from the cache. Zero means that every load asks Redis. Negative, or
	// more than one minute, is an error.
	ClientCacheTTL time.Duration

	// WaitReplicas is how many replicas must have acknowledged a write before
	// it succeeds. Zero means none: a fail-over then loses what the promoted
	// replica had not yet received, which may be a logout. A write that too few
	// replicas acknowledge within half of the time that is left is an error,
	// though it was made. Each write uses a connection of its own while it
	// waits. Negative is an error.
	WaitReplicas int
}

const (
	defaultPrefix     = "session:"
	defaultTimeout    = 2 * time.Second
	maxClientCacheTTL = time.Minute
)

// validate returns the options with their defaults, or an error that names the
// field.
func (o Options) validate() (Options, error) {
	switch {
	case o.Timeout < 0:
		return o, fmt.Errorf("rueidis: Options.Timeout is negative: %v", o.Timeout)
	case o.ClientCacheTTL < 0:
		return o, fmt.Errorf("rueidis: Options.ClientCacheTTL is negative: %v", o.ClientCacheTTL)
	case o.ClientCacheTTL > maxClientCacheTTL:
		return o, fmt.Errorf("rueidis: Options.ClientCacheTTL is %v, at most %v", o.ClientCacheTTL, maxClientCacheTTL)
	case o.WaitReplicas < 0:
		return o, fmt.Errorf("rueidis: Options.WaitReplicas is negative: %d", o.WaitReplicas)
	}
	o.Prefix = cmp.Or(o.Prefix, defaultPrefix)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	return o, nil
}
