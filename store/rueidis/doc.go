// Package rueidis keeps sessions on Redis or Valkey: one server, a replicated
// one under Sentinel, or a cluster. It is named after the client library that it
// uses, github.com/redis/rueidis.
//
// [Open] makes a [Store] from a URL; [New] makes one on a client that the
// application has. A session is one key. Load is a GET. Create, Update and Delete
// are scripts, which the server runs in one step: an update is made if the
// revision that it is based on is still the current one. The server removes a
// session when it expires. The sessions of one subject are listed in one more
// key, their index. On one server a login writes the session and its index entry
// with one script; in a cluster, where the two keys may be on different nodes, it
// takes two commands, so that no hash tags are needed.
//
// # Timeouts
//
// Every operation ends within [Options.Timeout], whatever its context says. (One
// that waits for a connection which another is making, and then has to make its
// own, may take twice that.) When the context is cancelled, the operation ends at
// once, or, if it is the only user of its connection, with the answer or the
// timeout. Until then a broken connection, a server that is loading its data, a
// master that has become a replica and a cluster without a master are met with
// another attempt. A write whose answer was lost is not made twice, and is not
// taken for another process's: the record keeps the revisions that led to it.
//
// An error that is not one of package store means that the outcome of a write is
// unknown. It says nothing about the session: an outage logs no user out, and
// recovery needs no restart.
//
// # Caching
//
// With [Options.ClientCacheTTL] loads are answered from the process's memory, and
// the server tells the client what has changed. Another process's logout is seen
// within milliseconds as a rule. If the network fails without closing the
// connection, a cached record is served for the option's value at the longest.
// What a Store has itself written or deleted it does not serve from the cache,
// and no write is wrong because of the cache, since each is conditional.
//
// # Replication
//
// Replication is asynchronous: a fail-over may lose what was answered a moment
// before, and so bring back a session that was just ended. With
// [Options.WaitReplicas] each write waits for replicas, and fails if they do not
// answer. (The removal of an index entry does not wait: losing it does no harm.)
// Reads are never sent to replicas, but a master that has become one answers them
// for as long as the client takes it for a master.
//
// # Security
//
// An attacker who can write to the server can plant sessions, and one who can
// read it can see their states, unless the Manager's SealRecords is set. Errors
// and keys hold session IDs, which are no credentials, and never a password of
// the URL. A key that holds something else than a session is reported and left
// as it is. The rights that a user of the server needs stand in docs/REDIS.md,
// and in the error of an Open that lacks one.
//
// # Concurrency
//
// All methods may be called by any number of goroutines, and any number of
// processes may use one server. Their clocks should agree to within a second or
// so: a record expires by the clock of the process that loads it, and a
// revocation is compared with the times at which other processes' logins began.
// The server's clock is not used.
//
// # Compatibility
//
// A value begins with its kind. Values of every kind that was released stay
// readable; one of an unknown kind, which a newer version has written, is left
// as it is.
package rueidis
