// Package rueidis keeps sessions on a Redis or Valkey server or cluster.
package rueidis
