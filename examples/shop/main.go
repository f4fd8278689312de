// Shop is a small web shop whose login, cart and messages live in a typed
// session. Run it, then open the address that it prints:
//
//	go run -C examples ./shop
//	go run -C examples ./shop -store cookie -addr localhost:9000
//	go run -C examples ./shop -store redis
//	go run -C examples ./shop -store sqlite
//	DATABASE_URL=postgres://… go run -C examples ./shop -store postgres
//
// The drivers of the SQL databases take long to compile, the first time; the
// build tag nosql leaves them out.
//
// Read state.go first, which declares what a session holds, then shop.go, which
// sets the manager up, then the handlers.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends us at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

// run serves the shop until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "localhost:8080", "`address` to listen on; port 0 picks a free one")
	kind := flags.String("store", "memory", "where sessions are kept: memory, cookie, redis, sqlite, postgres or mysql")
	// A URL with a password belongs in the environment, as the key does.
	redis := flags.String("redis", "", "`URL` for -store redis (default $REDIS_URL, or "+defaultRedis+")")
	database := flags.String("url", "", "`URL` for -store postgres, data source name for mysql (default $DATABASE_URL),\n"+
		"or file for sqlite (default shop.db in the user's configuration)")
	keyFile := flags.String("key", "", "`file` of the key that seals the cookies, if $SESSION_KEY is not set;\n"+
		"it is created if it does not exist (default session.key in the user's configuration,\n"+
		"and the file of the sessions for -store sqlite)")
	brings := flags.String("carrier", "", "`URL` that says when a parcel arrives (default: the shop plays the carrier)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	source, err := storeSource(*kind, *redis, *database)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, *kind, source)
	if err != nil {
		return err
	}
	if c, ok := st.(io.Closer); ok {
		defer c.Close()
	}
	if *kind == "sqlite" {
		fmt.Fprintln(stderr, "shop: the sessions are in", source)
	}
	key, err := sessionKey(ctx, st, *kind, *keyFile, stderr)
	if err != nil {
		return err
	}
	handler, err := newShop(st, *kind, key, carrier(*brings), ctx.Done())
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "shop: listening on", address(ln))
	return serve(ctx, ln, handler)
}

// storeSource returns where the store of that name keeps the sessions.
func storeSource(kind, redis, database string) (string, error) {
	switch kind {
	case "redis":
		return cmp.Or(redis, os.Getenv("REDIS_URL"), defaultRedis), nil
	case "postgres", "mysql":
		return cmp.Or(database, os.Getenv("DATABASE_URL")), nil
	case "sqlite":
		if database == "" {
			return userFile("shop.db", "-url")
		}
		return database, nil
	}
	return "", nil
}

// userFile returns the path of a file of the shop in the user's configuration,
// and creates its folder. The flag names another file.
func userFile(name, flag string) (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for %s, name a file by %s: %w", name, flag, err)
	}
	dir = filepath.Join(dir, "typedsession-shop")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// keyHolder is a store that keeps the key beside the sessions.
type keyHolder interface {
	Key(ctx context.Context) (session.Key, error)
}

// sessionKey returns the key that seals the cookies. An attacker who has it can
// forge a session, so it comes from the environment or from a file, and not from
// a flag, which every user of the machine could read in the list of processes.
// With a key that stays, a restart logs no user out.
func sessionKey(ctx context.Context, st store.Store, kind, file string, stderr io.Writer) (session.Key, error) {
	if text := os.Getenv("SESSION_KEY"); text != "" {
		key, err := session.ParseKey(text)
		if err != nil {
			return session.Key{}, fmt.Errorf("SESSION_KEY: %w", err)
		}
		return key, nil
	}
	if kind == "memory" && file == "" {
		return session.NewKey(), nil // the sessions end with the process anyway
	}
	if holder, ok := st.(keyHolder); ok && file == "" {
		return holder.Key(ctx)
	}
	if file == "" {
		var err error
		if file, err = userFile("session.key", "-key"); err != nil {
			return session.Key{}, err
		}
	}
	fmt.Fprintln(stderr, "shop: the key that seals the cookies is in", file)
	return session.LoadOrCreateKey(file)
}

// address returns the URL to open. Its host is localhost wherever that leads
// here, since browsers keep a Secure cookie without TLS for localhost alone.
// curl does so from 7.79 on.
func address(ln net.Listener) string {
	host, at := "localhost", ln.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() && !at.IP.IsUnspecified() {
		host = at.IP.String()
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(at.Port))
}

// serve serves until ctx ends, then lets the requests that are under way finish.
func serve(ctx context.Context, ln net.Listener, handler http.Handler) error {
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second, // a client that trickles headers holds a goroutine
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // the clock moves it on
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// ctx has ended already, so the requests get a deadline of their own.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}
