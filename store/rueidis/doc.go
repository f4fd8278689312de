// Package rueidis keeps sessions on Redis or Valkey: one server, a replicated
// one under Sentinel, or a cluster. It is named after the client library that it
// uses, github.com/redis/rueidis.
//
// [Open] makes a [Store] from a URL; [New] makes one on a client that the
// application has. A session is one key, and every operation one command, so
// that it takes one round trip, and a cluster needs no hash tags. (A Manager with
// subjects notes a login in their index, which is one more.) Load is a GET.
// Create, Update and Delete are scripts, which the server runs in one step: an
// update is made if the revision that it is based on is still the current one.
// The server forgets a session when it expires.
//
// # Timeouts
//
// Every operation ends within [Options.Timeout], whatever its context says. (One
// that waits for a connection which another is making, and then has to make its
// own, may take twice that.) When the context is cancelled it ends at once, or,
// where nobody shares its connection, with the answer or the timeout. Until then
// a broken connection, a server that is loading its data and a cluster without a
// master are met with another attempt.
// A write whose answer was lost is not made twice, and does not appear as
// somebody else's: the record keeps the revisions that led to it.
//
// An error that is none of the [session.Store] contract's means that the
// outcome of a write is unknown, and says nothing about the session. Nobody is
// logged out by an outage, and recovery needs no restart.
//
// # Caching
//
// With [Options.MaxRevocationDelay] loads are answered from the process's
// memory, and the server tells the client what has changed. Another process's
// logout is seen within milliseconds as a rule. When the network is lost without
// a word, what was cached is served for the option's value at the longest. What
// a Store has itself written or deleted it does not serve from the cache, and no
// write is wrong because of it, since each is conditional.
//
// # Replication
//
// It is asynchronous: a fail-over may lose what was answered a moment before,
// and so bring back a session that was just ended. [Options.Replicas] has each
// write wait for replicas, and fail where they do not answer. (Striking a session
// off its subject does not wait: it matters to nobody if that is lost.) Reads are
// never sent to replicas, but a master that has become one answers them for as
// long as the client takes it for a master.
//
// # Security
//
// Who can write to the server can plant sessions, and who can read it can see
// their states, unless the Manager's SealRecords is set. Errors and keys hold
// session IDs, which are no credentials, and never a password of the URL. A key
// that holds something else than a session is reported and left alone. The
// rights that a user of the server needs stand in docs/REDIS.md, and in the
// error of an Open that misses one.
//
// # Concurrency
//
// All methods may be called by any number of goroutines, and any number of
// processes may use one server. Their clocks should agree to within a second or
// so: a record expires by the clock of who loads it. The server's is not used.
//
// # Compatibility
//
// A value begins with its kind. Values of every kind that was released stay
// readable; one of an unknown kind, which a newer version has written, is left
// as it is.
package rueidis
