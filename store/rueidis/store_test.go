package rueidis_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
	"github.com/typedsession/typedsession/store/storetest"
)

// open opens a store that is closed with the test.
func open(t testing.TB, url string, opts rueidis.Options) *rueidis.Store {
	t.Helper()
	st, err := rueidis.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, st) })
	return st
}

func closeStore(t testing.TB, st *rueidis.Store) {
	t.Helper()
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

// newStore returns a store on a client with these settings.
func newStore(t testing.TB, settings client.ClientOption, opts rueidis.Options) *rueidis.Store {
	t.Helper()
	c, err := client.NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	st, err := rueidis.New(c, opts)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// newRecord returns a record that lives for a minute.
func newRecord() store.Record {
	return store.Record{
		ID:      store.NewID(),
		Rev:     store.NewRev(),
		Expires: time.UnixMilli(time.Now().Add(time.Minute).UnixMilli()),
		Subject: "subject",
		Payload: []byte("payload"),
	}
}

// next returns a new revision of a record.
func next(rec store.Record) store.Record {
	rec.Rev = store.NewRev()
	return rec
}

// The rights that docs/REDIS.md says are needed.
var (
	leastRights = []string{
		"~session:*", "+ping", "+eval", "+evalsha", "+get", "+set", "+getrange", "+del",
		"+zadd", "+zscore", "+zrem", "+zrangebyscore", "+zremrangebyscore", "+pttl", "+pexpire",
	}
	cachedRights   = slices.Concat(leastRights, []string{"+client|tracking", "+client|caching", "+multi", "+exec"})
	databaseRights = slices.Concat(leastRights, []string{"+select"})
	clusterRights  = slices.Concat(leastRights, []string{"+cluster|slots", "+cluster|shards", "+asking"})
	sentinelRights = slices.Concat(leastRights, []string{"+role", "+wait"})
)

// allow gives the user shop, whose password is secret, these rights and no
// others.
func allow(servers []*redistest.Server, rights []string) {
	for _, s := range servers {
		s.MustDo(slices.Concat([]string{"ACL", "SETUSER", "shop", "reset", "on", ">secret"}, rights)...)
	}
}

// TestConformance runs the conformance kit against every way in which a store
// can reach a server.
func TestConformance(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		run := func(name string, st func(t *testing.T) *rueidis.Store) {
			t.Run(name, func(t *testing.T) {
				st := st(t)
				storetest.Run(t, func(*testing.T) store.Store { return st })
			})
		}
		s := p.Start(t, "--unixsocket", filepath.Join(t.TempDir(), "s"))
		socket := strings.Split(s.MustDo("CONFIG", "GET", "unixsocket"), "\n")[1]
		allow([]*redistest.Server{s}, leastRights)

		run("standalone", func(t *testing.T) *rueidis.Store {
			return open(t, "redis://"+s.Addr, rueidis.Options{})
		})
		run("unix socket", func(t *testing.T) *rueidis.Store {
			return open(t, "unix://"+socket, rueidis.Options{})
		})
		run("a user with the least rights", func(t *testing.T) *rueidis.Store {
			return open(t, asShop("redis://"+s.Addr), rueidis.Options{})
		})
		run("RESP2", func(t *testing.T) *rueidis.Store {
			return open(t, "redis://"+s.Addr+"?protocol=2", rueidis.Options{})
		})
		run("cached", func(t *testing.T) *rueidis.Store {
			return open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: time.Minute})
		})
		run("a client of the application's", func(t *testing.T) *rueidis.Store {
			return newStore(t, client.ClientOption{InitAddress: []string{s.Addr}}, rueidis.Options{Prefix: "app:"})
		})
		run("TLS with a client certificate", func(t *testing.T) *rueidis.Store {
			s, config := p.StartTLS(t)
			return newStore(t, client.ClientOption{InitAddress: []string{s.Addr}, TLSConfig: config}, rueidis.Options{})
		})
		run("two commands", func(t *testing.T) *rueidis.Store {
			return splitStore(t, s.Addr, rueidis.Options{})
		})
		run("cluster", func(t *testing.T) *rueidis.Store {
			c := p.StartCluster(t, false)
			allow(c.Nodes(), clusterRights)
			return open(t, asShop(clusterURL(c)), rueidis.Options{})
		})
		run("sentinel and acknowledged by a replica", func(t *testing.T) *rueidis.Store {
			pair := p.StartPair(t)
			allow([]*redistest.Server{pair.Master, pair.Replica}, sentinelRights)
			return open(t, asShop(sentinelURL(pair)), rueidis.Options{WaitReplicas: 1})
		})
	})
}

// testLife takes a session from its login to the revocation of its subject.
func testLife(t *testing.T, st *rueidis.Store) {
	ctx, subject, since := t.Context(), store.NewID().String(), time.Now()
	rec := asLogin(newRecord(), subject, since)
	if err := st.Create(ctx, rec); err != nil {
		t.Fatal(err)
	}
	if !lists(t, st, subject, rec.ID) {
		t.Error("the session is not listed")
	}
	more := next(rec)
	if err := st.Update(ctx, rec.Rev, more); err != nil {
		t.Fatal(err)
	}
	got, err := st.Load(ctx, rec.ID)
	if err != nil || got.Rev != more.Rev {
		t.Errorf("Load: %v, %v", got, err)
	}
	ids, err := st.RevokeSubject(ctx, subject, since)
	if err != nil || !slices.Equal(ids, []store.ID{rec.ID}) {
		t.Errorf("RevokeSubject: %v, %v", ids, err)
	}
	if _, err := st.Load(ctx, rec.ID); !errors.As(err, new(*store.DeletedError)) {
		t.Errorf("Load: %v, want a DeletedError", err)
	}
	if err := st.Create(ctx, asLogin(newRecord(), subject, since)); !errors.Is(err, store.ErrRevoked) {
		t.Errorf("a login that was revoked: %v", err)
	}
}

func clusterURL(c *redistest.Cluster) string {
	url := "redis://"
	for i, n := range c.Nodes() {
		url += []string{"", "?addr=", "&addr="}[min(i, 2)] + n.Addr
	}
	return url
}

func sentinelURL(p *redistest.Pair) string {
	return "redis://" + p.Sentinel.Addr + "?master_set=" + redistest.MasterSet
}

// asShop returns the URL with the user that allow makes.
func asShop(url string) string {
	return strings.Replace(url, "redis://", "redis://shop:secret@", 1)
}

// TestRoundTrips holds every operation to one command, and the deletion of a
// session that has a subject to two.
func TestRoundTrips(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		extended, second, third, visitor := next(rec), next(rec), next(rec), newRecord()
		extended.IndexUntil = rec.Expires.Add(time.Second)
		visitor.Subject = ""
		ctx := t.Context()
		warm := newRecord() // so that the server has the scripts
		warm.Subject = ""
		if err := errors.Join(st.Create(ctx, warm), st.Update(ctx, warm.Rev, next(warm))); err != nil {
			t.Fatal(err)
		}
		steps := []struct {
			name string
			want []string // commands
			run  func() error
		}{
			{"create for no subject", []string{"EVALSHA"}, func() error { return st.Create(ctx, visitor) }},
			{"login", []string{"EVALSHA"}, func() error { return st.Create(ctx, asLogin(rec, "alice", time.Now())) }},
			{"load", []string{"GET"}, func() error { _, err := st.Load(ctx, rec.ID); return err }},
			{"update", []string{"EVALSHA"}, func() error { return st.Update(ctx, rec.Rev, second) }},
			{"update that meets a conflict", []string{"EVALSHA"}, func() error {
				if err := st.Update(ctx, rec.Rev, third); !errors.Is(err, store.ErrConflict) {
					return err
				}
				return nil
			}},
			{"extension", []string{"EVALSHA"}, func() error { return st.Update(ctx, second.Rev, extended) }},
			{"delete", []string{"EVALSHA", "ZREM"}, func() error { return st.Delete(ctx, rec.ID) }},
			{"delete for no subject", []string{"EVALSHA"}, func() error { return st.Delete(ctx, visitor.ID) }},
		}
		for _, step := range steps {
			t.Run(step.name, func(t *testing.T) {
				var names []string
				for _, command := range s.Monitor(func() {
					if err := step.run(); err != nil {
						t.Error(err)
					}
				}) {
					name, _, _ := strings.Cut(command, " ")
					names = append(names, strings.Trim(name, `"`))
				}
				if !slices.Equal(names, step.want) {
					t.Errorf("commands %q, want %q", names, step.want)
				}
			})
		}
	})
}

// TestForeignData puts what is no session under a session's key. It must look
// like no session, and stay as it is.
func TestForeignData(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		for _, delay := range []time.Duration{0, time.Second} {
			st := open(t, "redis://"+s.Addr, rueidis.Options{ClientCacheTTL: delay})
			tests := []struct {
				name string
				set  []string // the command around the key
			}{
				{"text", []string{"SET", "", "somebody else's value, longer than the header of a session's record"}},
				{"a short text", []string{"SET", "", "x"}},
				{"an unknown kind of record", []string{"SET", "", "\xc2" + strings.Repeat("\x00", 100)}},
				{"a list", []string{"RPUSH", "", "element"}},
				{"a hash", []string{"HSET", "", "field", "value"}},
			}
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					rec := newRecord()
					key := "session:" + rec.ID.String()
					test.set[1] = key
					s.MustDo(test.set...)
					before := s.MustDo("DUMP", key)

					_, err := st.Load(t.Context(), rec.ID)
					wantForeign(t, "Load", err, key)
					err = st.Update(t.Context(), rec.Rev, next(rec))
					wantForeign(t, "Update", err, key)
					if err := st.Create(t.Context(), rec); !errors.Is(err, store.ErrExists) {
						t.Errorf("Create: %v, want ErrExists", err)
					}
					if err := st.Delete(t.Context(), rec.ID); err != nil {
						t.Errorf("Delete: %v", err)
					}
					if after := s.MustDo("DUMP", key); after != before {
						t.Errorf("the key held %q and now holds %q", before, after)
					}
				})
			}
		}
	})
}

// TestDamagedRecord cuts a record short: it is as good as none, and unlike
// foreign data it can be deleted.
func TestDamagedRecord(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		for _, test := range []struct {
			name string
			last string // byte that is left
		}{
			{"in its head", "20"},
			{"in its earlier revisions", "29"},
		} {
			t.Run(test.name, func(t *testing.T) {
				first := newRecord()
				err := st.Create(t.Context(), first)
				if err != nil {
					t.Fatal(err)
				}
				rec := next(first)
				if err := st.Update(t.Context(), first.Rev, rec); err != nil {
					t.Fatal(err)
				}
				key := "session:" + rec.ID.String()
				s.MustDo("SET", key, s.MustDo("GETRANGE", key, "0", test.last))

				_, err = st.Load(t.Context(), rec.ID)
				wantForeign(t, "Load", err, key)
				for _, base := range []store.Rev{rec.Rev, store.NewRev()} {
					err = st.Update(t.Context(), base, next(rec))
					wantForeign(t, "Update", err, key)
				}
				if err := st.Delete(t.Context(), rec.ID); err != nil {
					t.Errorf("Delete: %v", err)
				}
				if n := s.MustDo("STRLEN", key); n != "9" {
					t.Errorf("after Delete the key holds %s bytes, want a tombstone of 9", n)
				}
			})
		}
	})
}

func wantForeign(t *testing.T, what string, err error, key string) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), key) {
		t.Errorf("%s: error %v, want an ErrNotFound that names the key", what, err)
	}
}

// TestTooLarge makes sure that what is too large is never sent.
func TestTooLarge(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		small := newRecord()
		if err := st.Create(t.Context(), small); err != nil {
			t.Fatal(err)
		}
		large := newRecord()
		large.Payload = make([]byte, 1<<20)
		commands := s.Monitor(func() {
			if err := st.Create(t.Context(), large); !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("Create: %v, want ErrTooLarge", err)
			}
			if err := st.Update(t.Context(), small.Rev, large); !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("Update: %v, want ErrTooLarge", err)
			}
		})
		if len(commands) != 0 {
			t.Errorf("commands %.100q, want none", commands)
		}
	})
}

// TestKeysExpire makes sure that the server does not keep what has expired,
// and keeps nothing for ever.
func TestKeysExpire(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		key := "session:" + rec.ID.String()
		ttl := func(what string, want time.Duration) {
			t.Helper()
			left, err := time.ParseDuration(s.MustDo("PTTL", key) + "ms")
			if err != nil {
				t.Fatal(err)
			}
			if left > want || left < want-10*time.Second {
				t.Errorf("after %s the key lives for %v, want about %v", what, left, want)
			}
		}
		if err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		ttl("Create", time.Minute)
		later := next(rec)
		later.Expires = rec.Expires.Add(time.Hour)
		if err := st.Update(t.Context(), rec.Rev, later); err != nil {
			t.Fatal(err)
		}
		ttl("Update", time.Hour+time.Minute)
		if err := st.Delete(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		ttl("Delete", 15*time.Minute)
	})
}

// TestEarlierRevisions makes sure that a record which is written now and then
// stays small, and one that is written all the time too.
func TestEarlierRevisions(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		key := "session:" + rec.ID.String()
		update := func() {
			t.Helper()
			later := next(rec)
			if err := st.Update(t.Context(), rec.Rev, later); err != nil {
				t.Fatal(err)
			}
			rec = later
		}
		wantCount := func(what, want string) {
			t.Helper()
			if n := s.MustDo("GETRANGE", key, "25", "25"); n != want {
				t.Errorf("%s: %q earlier revisions, want %q", what, n, want)
			}
		}
		wantCount("a new record", "\x00")
		update()
		update()
		wantCount("two updates at once", "\x02")
		for range 40 {
			update()
		}
		wantCount("many updates at once", "\x20")
		s.MustDo("SETRANGE", key, "17", "\x00\x00\x00\x00\x00\x00\x00\x00") // written in 1970
		update()
		wantCount("an update after a while", "\x01")
		if got, err := st.Load(t.Context(), rec.ID); err != nil || !cmp.Equal(rec, got) {
			t.Errorf("Load: %v, %v", err, cmp.Diff(rec, got))
		}
	})
}

// TestServerClock gives a record more time on the server than it has, as a
// server does whose clock was set back: it has expired all the same.
func TestServerClock(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		rec.Expires = time.UnixMilli(time.Now().Add(200 * time.Millisecond).UnixMilli())
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		key := "session:" + rec.ID.String()
		if s.MustDo("PERSIST", key) != "1" {
			t.Fatal("the record expired too soon for the test")
		}
		before := s.MustDo("DUMP", key)
		time.Sleep(time.Until(rec.Expires))
		if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load: %v, want ErrNotFound", err)
		}
		later := next(rec)
		later.Expires = rec.Expires.Add(time.Hour)
		for _, base := range []store.Rev{rec.Rev, store.NewRev()} {
			if err := st.Update(t.Context(), base, later); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Update: %v, want ErrNotFound", err)
			}
		}
		if after := s.MustDo("DUMP", key); after != before {
			t.Errorf("the key held %q and now holds %q", before, after)
		}
	})
}

// TestFullServer fills the server to its memory limit: sessions can still be
// read and ended, and other writes say why they fail.
func TestFullServer(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		s.MustDo("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
		if _, err := st.Load(t.Context(), rec.ID); err != nil {
			t.Errorf("Load: %v", err)
		}
		err = st.Update(t.Context(), rec.Rev, next(rec))
		if err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Update: %v, want an error that says OOM", err)
		}
		for range 2 { // the second time there is only the tombstone
			if err := st.Delete(t.Context(), rec.ID); err != nil {
				t.Errorf("Delete: %v", err)
			}
		}
		if err := st.Delete(t.Context(), newRecord().ID); err != nil {
			t.Errorf("Delete of what is not there: %v", err)
		}
		if _, err := st.Load(t.Context(), rec.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load after Delete: %v, want ErrNotFound", err)
		}
	})
}

// TestTwoProcesses has two stores, each with a client of its own as two processes
// would have, change one session at once.
func TestTwoProcesses(t *testing.T) {
	const changes = 200 // each
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		stores := []*rueidis.Store{
			open(t, "redis://"+s.Addr, rueidis.Options{}),
			open(t, "redis://"+s.Addr, rueidis.Options{}),
		}
		rec := newCounter()
		if err := stores[0].Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, st := range stores {
			for range changes {
				wg.Go(func() {
					if _, err := increment(t.Context(), st, rec.ID); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		got, err := stores[1].Load(t.Context(), rec.ID)
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.BigEndian.Uint64(got.Payload); n != 2*changes {
			t.Errorf("counted %d, want %d", n, 2*changes)
		}
	})
}

// TestClose makes sure that a Store ends the client that it made, and no other.
func TestClose(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := st.Load(t.Context(), newRecord().ID); !errors.Is(err, client.ErrClosing) {
			t.Errorf("Load after Close: %v, want ErrClosing", err)
		}
		if err := st.Delete(t.Context(), newRecord().ID); !errors.Is(err, client.ErrClosing) {
			t.Errorf("Delete after Close: %v, want ErrClosing", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("that took %v", took)
		}

		c, err := client.NewClient(client.ClientOption{InitAddress: []string{s.Addr}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		st, err = rueidis.New(c, rueidis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(t.Context(), c.B().Ping().Build()).Error(); err != nil {
			t.Errorf("the application's client after Close: %v", err)
		}
	})
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name string
		opts rueidis.Options
		want string // in the error, "" for none
	}{
		{"zero", rueidis.Options{}, ""},
		{"everything", rueidis.Options{Prefix: "p", Timeout: time.Second, ClientCacheTTL: time.Minute, WaitReplicas: 1}, ""},
		{"negative timeout", rueidis.Options{Timeout: -1}, "Timeout"},
		{"negative delay", rueidis.Options{ClientCacheTTL: -1}, "ClientCacheTTL"},
		{"a delay nobody would want", rueidis.Options{ClientCacheTTL: time.Minute + 1}, "ClientCacheTTL"},
		{"negative replicas", rueidis.Options{WaitReplicas: -1}, "WaitReplicas"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, errNew := rueidis.New(unusedClient{}, test.opts)
			if test.want == "" {
				if errNew != nil {
					t.Errorf("New: %v", errNew)
				}
				return
			}
			_, errOpen := rueidis.Open(t.Context(), "redis://127.0.0.1:1", test.opts)
			for _, err := range []error{errNew, errOpen} {
				if err == nil || !strings.Contains(err.Error(), "Options."+test.want) {
					t.Errorf("error %v, want one that names %s", err, test.want)
				}
			}
		})
	}
	if _, err := rueidis.New(nil, rueidis.Options{}); err == nil {
		t.Error("New without a client succeeded")
	}
}

// unusedClient is a client that is never asked.
type unusedClient struct{ client.Client }
