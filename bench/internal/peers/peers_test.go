package peers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/typedsession/typedsession/bench/internal/peers"
	"github.com/typedsession/typedsession/bench/internal/servers"
)

var env peers.Env

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	redis, err := servers.StartRedis(context.Background())
	switch {
	case errors.Is(err, servers.ErrNotInstalled) && os.Getenv("TYPEDSESSION_REQUIRE_SERVERS") != "1":
		fmt.Fprintln(os.Stderr, "no redis-server on PATH: the tests of what needs one are left out")
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	default:
		defer redis.Close()
		env.RedisAddr = redis.Addr
	}
	databases, err := servers.StartSQL(context.Background())
	switch {
	case errors.Is(err, servers.ErrNotInstalled) && os.Getenv("TYPEDSESSION_REQUIRE_SERVERS") != "1":
		fmt.Fprintln(os.Stderr, "no PostgreSQL or no MariaDB: the tests of what needs them are left out")
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	default:
		defer databases.Close()
		env.PostgresAddr, env.MariaDBAddr = databases.PostgresAddr, databases.MariaDBAddr
	}
	return m.Run()
}

// each runs a test for each contender that can be opened here.
func each(t *testing.T, size int, test func(*testing.T, peers.Contender, *peers.Site)) {
	t.Helper()
	for _, c := range slices.Concat(peers.Contenders(), peers.SQLContenders()) {
		switch {
		case c.Store == peers.Redis && env.RedisAddr == "",
			c.Store == peers.PostgreSQL && env.PostgresAddr == "",
			c.Store == peers.MariaDB && env.MariaDBAddr == "":
			continue
		}
		t.Run(string(c.Store)+"/"+c.Name, func(t *testing.T) {
			env := env
			env.Size = size
			site, err := c.Open(env)
			if err != nil {
				t.Fatal(err)
			}
			defer site.Close()
			test(t, c, site)
		})
	}
}

// do sends one request, as a browser that holds a cookie and keeps a newer one.
func do(t *testing.T, site *peers.Site, a peers.Action, cookie *string) peers.Reply {
	t.Helper()
	reply := site.NewClient().Do(a, *cookie)
	if reply.Status != 200 {
		t.Fatalf("%v: status %d: %s", a, reply.Status, reply.Body)
	}
	if reply.Cookie != "" {
		*cookie = reply.Cookie
	}
	return reply
}

func dump(t *testing.T, site *peers.Site, cookie string) peers.State {
	t.Helper()
	var state peers.State
	if err := json.Unmarshal(do(t, site, peers.Dump, &cookie).Body, &state); err != nil {
		t.Fatal(err)
	}
	return state
}

// What is measured must work: every contender stores the same values, changes
// them, and returns what it has stored.
func TestEveryContenderKeepsWhatItIsGiven(t *testing.T) {
	each(t, 0, func(t *testing.T, c peers.Contender, site *peers.Site) {
		want := peers.Sample(200)
		cookie := ""
		if got := string(do(t, site, peers.Read, &cookie).Body); got != "anonymous" {
			t.Errorf("anonymous read answers %q", got)
		}
		cookie = ""
		do(t, site, peers.Create, &cookie)
		if diff := cmp.Diff(want, dump(t, site, cookie)); diff != "" {
			t.Fatalf("after create (-want +got):\n%s", diff)
		}
		if got := string(do(t, site, peers.Read, &cookie).Body); got != "ok" {
			t.Errorf("read answers %q", got)
		}
		do(t, site, peers.Untouched, &cookie)
		for _, a := range []peers.Action{peers.Write, peers.Slow, peers.Write} {
			do(t, site, a, &cookie)
			want.Counter++
		}
		if diff := cmp.Diff(want, dump(t, site, cookie)); diff != "" {
			t.Fatalf("after three writes (-want +got):\n%s", diff)
		}
		if c.Lacks[peers.Login] != "" {
			return
		}
		before := cookie
		do(t, site, peers.Login, &cookie)
		if cookie == before {
			t.Error("the login did not renew the credential")
		}
		login := dump(t, site, cookie)
		if login.UserID == want.UserID || login.UserID == "" {
			t.Errorf("after the login the user is %q", login.UserID)
		}
		login.UserID = want.UserID
		if diff := cmp.Diff(want, login); diff != "" {
			t.Fatalf("after login (-want +got):\n%s", diff)
		}
		if c.Store != peers.Cookie && string(site.NewClient().Do(peers.Read, before).Body) != "anonymous" {
			t.Error("the credential from before the login is still good")
		}
	})
}

// So must every step from the floor of a read to the library's.
func TestReadSteps(t *testing.T) {
	for _, steps := range peers.ReadSteps() {
		for _, c := range steps {
			site, err := c.Open(env)
			if err != nil {
				t.Fatal(err)
			}
			defer site.Close()
			mine, yours := "", ""
			do(t, site, peers.Create, &yours)
			do(t, site, peers.Create, &mine)
			if mine == yours {
				t.Errorf("%s: two sessions have one token", c.Name)
			}
			if got := string(do(t, site, peers.Read, &mine).Body); got != "ok" {
				t.Errorf("%s: read answers %q", c.Name, got)
			}
			if diff := cmp.Diff(peers.Sample(200), dump(t, site, mine)); diff != "" {
				t.Errorf("%s: after create (-want +got):\n%s", c.Name, diff)
			}
		}
	}
}

// A contender that writes to the same session from two clients, one after the
// other, must not lose an update: what it loses under contention is counted.
func TestEveryContenderSharesASessionBetweenClients(t *testing.T) {
	each(t, 0, func(t *testing.T, _ peers.Contender, site *peers.Site) {
		cookie := ""
		do(t, site, peers.Create, &cookie)
		one, two := site.NewClient(), site.NewClient()
		for range 10 {
			for _, client := range []peers.Client{one, two} {
				reply := client.Do(peers.Write, cookie)
				if err := reply.Err(); err != nil {
					t.Fatal(err)
				}
				if reply.Cookie != "" {
					cookie = reply.Cookie
				}
			}
		}
		if got, want := dump(t, site, cookie).Counter, peers.Sample(200).Counter+20; got != want {
			t.Errorf("counter %d after 20 writes, want %d", got, want)
		}
	})
}

// Two sessions of one site are two sessions.
func TestEveryContenderKeepsSessionsApart(t *testing.T) {
	each(t, 0, func(t *testing.T, _ peers.Contender, site *peers.Site) {
		mine, yours := "", ""
		do(t, site, peers.Create, &mine)
		do(t, site, peers.Create, &yours)
		do(t, site, peers.Write, &mine)
		if got := dump(t, site, yours).Counter; got != 1 {
			t.Errorf("counter of the other session is %d, want 1", got)
		}
	})
}

func TestSampleHasTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{200, 2000, 20000} {
		state := peers.Sample(size)
		b, err := msgpack.Marshal(&state)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < size*9/10 || len(b) > size*11/10 {
			t.Errorf("Sample(%d) takes %d bytes", size, len(b))
		}
	}
}
