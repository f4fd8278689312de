package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
	"github.com/typedsession/typedsession/store/memory"
	"github.com/typedsession/typedsession/store/rueidis"
)

// defaultRedis is where a Redis server listens that was not told otherwise.
const defaultRedis = "redis://127.0.0.1:6379"

// openStore opens the store of that name. Nothing else in the shop depends on
// which it is, apart from what the pages say of it.
//
// The source is a URL for Redis, a file for SQLite, and what the drivers of
// PostgreSQL and MySQL take.
func openStore(ctx context.Context, kind, source string) (store.Store, error) {
	switch kind {
	case "memory":
		st := memory.New()
		st.MaxSessions = 1_000_000 // anybody can begin one, and memory ends
		return st, nil
	case "cookie":
		return cookie.New(), nil
	case "redis":
		st, err := rueidis.Open(ctx, source, rueidis.Options{})
		if err != nil {
			return nil, hint(err)
		}
		return st, nil
	}
	st, err := openSQL(ctx, kind, source)
	if st != nil || err != nil {
		return st, err
	}
	return nil, fmt.Errorf("-store %q: want memory, cookie, redis, sqlite, postgres or mysql", kind)
}

// hint adds to an error of a server that is not there how to start one.
func hint(err error) error {
	var unreachable *net.OpError
	if !errors.As(err, &unreachable) || unreachable.Op != "dial" {
		return err
	}
	return fmt.Errorf(`%w; to start a server: redis-server --save "" --port 6379 (on Debian after: apt install redis-server)`, err)
}
