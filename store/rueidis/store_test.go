package rueidis_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
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
func newRecord() session.Record {
	rec := session.Record{
		Rev:     newRev(),
		Expires: time.UnixMilli(time.Now().Add(time.Minute).UnixMilli()),
		Subject: "subject",
		Payload: []byte("payload"),
	}
	rand.Read(rec.ID[:])
	return rec
}

// next returns a new revision of a record.
func next(rec session.Record) session.Record {
	rec.Rev = newRev()
	return rec
}

func newRev() session.Rev {
	var b [8]byte
	rand.Read(b[:])
	return session.Rev(binary.BigEndian.Uint64(b[:]))
}

// The rights that docs/REDIS.md says are needed.
var (
	leastRights = []string{
		"~session:*", "+eval", "+get", "+set", "+getrange", "+del",
		"+zadd", "+zrem", "+zrangebyscore", "+zremrangebyscore", "+pttl", "+pexpire",
	}
	cachedRights   = slices.Concat(leastRights, []string{"+client|tracking", "+client|caching", "+multi", "+exec"})
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
				storetest.Run(t, func(*testing.T) session.Store { return st })
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
			return open(t, "redis://"+s.Addr, rueidis.Options{MaxRevocationDelay: time.Minute})
		})
		run("a client of the application's", func(t *testing.T) *rueidis.Store {
			return newStore(t, client.ClientOption{InitAddress: []string{s.Addr}}, rueidis.Options{Prefix: "app:"})
		})
		run("TLS with a client certificate", func(t *testing.T) *rueidis.Store {
			s, config := p.StartTLS(t)
			return newStore(t, client.ClientOption{InitAddress: []string{s.Addr}, TLSConfig: config}, rueidis.Options{})
		})
		run("cluster", func(t *testing.T) *rueidis.Store {
			c := p.StartCluster(t, false)
			allow(c.Nodes(), clusterRights)
			return open(t, asShop(clusterURL(c)), rueidis.Options{})
		})
		run("sentinel and acknowledged by a replica", func(t *testing.T) *rueidis.Store {
			pair := p.StartPair(t)
			allow([]*redistest.Server{pair.Master, pair.Replica}, sentinelRights)
			return open(t, asShop(sentinelURL(pair)), rueidis.Options{Replicas: 1})
		})
	})
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

// TestRoundTrips holds every operation to one command.
func TestRoundTrips(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		rec := newRecord()
		ref, second, third := rec.ID.String(), next(rec), next(rec)
		ctx := t.Context()
		steps := []struct {
			name string
			want string // how the command begins
			run  func() error
		}{
			{"create", `"EVAL"`, func() error { _, err := st.Create(ctx, rec); return err }},
			{"load", `"GET"`, func() error { _, err := st.Load(ctx, ref); return err }},
			{"update", `"EVAL"`, func() error { _, err := st.Update(ctx, ref, rec.Rev, second); return err }},
			{"update that meets a conflict", `"EVAL"`, func() error {
				_, err := st.Update(ctx, ref, rec.Rev, third)
				if !errors.Is(err, session.ErrConflict) {
					return err
				}
				return nil
			}},
			{"delete", `"EVAL"`, func() error { return st.Delete(ctx, ref) }},
		}
		for _, step := range steps {
			t.Run(step.name, func(t *testing.T) {
				commands := s.Monitor(func() {
					if err := step.run(); err != nil {
						t.Error(err)
					}
				})
				if len(commands) != 1 || !strings.HasPrefix(commands[0], step.want) {
					t.Errorf("commands %q, want one %s", commands, step.want)
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
			st := open(t, "redis://"+s.Addr, rueidis.Options{MaxRevocationDelay: delay})
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
					ref := rec.ID.String()
					key := "session:" + ref
					test.set[1] = key
					s.MustDo(test.set...)
					before := s.MustDo("DUMP", key)

					_, err := st.Load(t.Context(), ref)
					wantForeign(t, "Load", err, key)
					_, err = st.Update(t.Context(), ref, rec.Rev, next(rec))
					wantForeign(t, "Update", err, key)
					if _, err := st.Create(t.Context(), rec); !errors.Is(err, session.ErrExists) {
						t.Errorf("Create: %v, want ErrExists", err)
					}
					if err := st.Delete(t.Context(), ref); err != nil {
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
				ref, err := st.Create(t.Context(), first)
				if err != nil {
					t.Fatal(err)
				}
				rec := next(first)
				if _, err := st.Update(t.Context(), ref, first.Rev, rec); err != nil {
					t.Fatal(err)
				}
				key := "session:" + ref
				s.MustDo("SET", key, s.MustDo("GETRANGE", key, "0", test.last))

				_, err = st.Load(t.Context(), ref)
				wantForeign(t, "Load", err, key)
				for _, base := range []session.Rev{rec.Rev, newRev()} {
					_, err = st.Update(t.Context(), ref, base, next(rec))
					wantForeign(t, "Update", err, key)
				}
				if err := st.Delete(t.Context(), ref); err != nil {
					t.Errorf("Delete: %v", err)
				}
				if n := s.MustDo("STRLEN", key); n != "1" {
					t.Errorf("after Delete the key holds %s bytes, want a tombstone of 1", n)
				}
			})
		}
	})
}

func wantForeign(t *testing.T, what string, err error, key string) {
	t.Helper()
	if !errors.Is(err, session.ErrNotFound) || !strings.Contains(err.Error(), key) {
		t.Errorf("%s: error %v, want an ErrNotFound that names the key", what, err)
	}
}

// TestTooLarge makes sure that what is too large is never sent.
func TestTooLarge(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		st := open(t, "redis://"+s.Addr, rueidis.Options{})
		small := newRecord()
		if _, err := st.Create(t.Context(), small); err != nil {
			t.Fatal(err)
		}
		large := newRecord()
		large.Payload = make([]byte, 1<<20)
		commands := s.Monitor(func() {
			if _, err := st.Create(t.Context(), large); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("Create: %v, want ErrTooLarge", err)
			}
			if _, err := st.Update(t.Context(), small.ID.String(), small.Rev, large); !errors.Is(err, session.ErrTooLarge) {
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
		if _, err := st.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		ttl("Create", time.Minute)
		later := next(rec)
		later.Expires = rec.Expires.Add(time.Hour)
		if _, err := st.Update(t.Context(), rec.ID.String(), rec.Rev, later); err != nil {
			t.Fatal(err)
		}
		ttl("Update", time.Hour+time.Minute)
		if err := st.Delete(t.Context(), rec.ID.String()); err != nil {
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
		ref, err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		key := "session:" + ref
		update := func() {
			t.Helper()
			later := next(rec)
			if _, err := st.Update(t.Context(), ref, rec.Rev, later); err != nil {
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
		if got, err := st.Load(t.Context(), ref); err != nil || !cmp.Equal(rec, got) {
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
		ref, err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		key := "session:" + ref
		if s.MustDo("PERSIST", key) != "1" {
			t.Fatal("the record expired too soon for the test")
		}
		before := s.MustDo("DUMP", key)
		time.Sleep(time.Until(rec.Expires))
		if _, err := st.Load(t.Context(), ref); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Load: %v, want ErrNotFound", err)
		}
		later := next(rec)
		later.Expires = rec.Expires.Add(time.Hour)
		for _, base := range []session.Rev{rec.Rev, newRev()} {
			if _, err := st.Update(t.Context(), ref, base, later); !errors.Is(err, session.ErrNotFound) {
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
		ref, err := st.Create(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		s.MustDo("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
		if _, err := st.Load(t.Context(), ref); err != nil {
			t.Errorf("Load: %v", err)
		}
		_, err = st.Update(t.Context(), ref, rec.Rev, next(rec))
		if err == nil || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("Update: %v, want an error that says OOM", err)
		}
		for range 2 { // the second time there is only the tombstone
			if err := st.Delete(t.Context(), ref); err != nil {
				t.Errorf("Delete: %v", err)
			}
		}
		if err := st.Delete(t.Context(), newRecord().ID.String()); err != nil {
			t.Errorf("Delete of what is not there: %v", err)
		}
		if _, err := st.Load(t.Context(), ref); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Load after Delete: %v, want ErrNotFound", err)
		}
	})
}

// TestTwoProcesses has two managers, each with a store and a client of its own
// as two processes would, serve one session at once.
func TestTwoProcesses(t *testing.T) {
	const requests = 200 // each
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		key := session.NewKey()
		var handlers [2]http.Handler
		for i := range handlers {
			handlers[i] = newHandler(t, open(t, "redis://"+s.Addr, rueidis.Options{}), key, nil)
		}
		first := httptest.NewRecorder()
		handlers[0].ServeHTTP(first, httptest.NewRequest(http.MethodPost, "/add", nil))
		cookie := first.Header().Get("Set-Cookie")
		serve := func(h http.Handler, method, path string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(method, path, nil)
			r.Header.Set("Cookie", cookie)
			h.ServeHTTP(w, r)
			return w
		}
		var wg sync.WaitGroup
		for _, h := range handlers {
			for range requests {
				wg.Go(func() {
					if w := serve(h, http.MethodPost, "/add"); w.Code != http.StatusOK {
						t.Errorf("status %d, %q", w.Code, w.Body)
					}
				})
			}
		}
		wg.Wait()
		if got := serve(handlers[1], http.MethodGet, "/").Body.String(); got != strconv.Itoa(1+2*requests) {
			t.Errorf("counted %s, want %d", got, 1+2*requests)
		}
	})
}

// increment increases the counter in a record, as a Manager changes a state.
func increment(ctx context.Context, st session.Store, ref string) error {
	rec, err := st.Load(ctx, ref)
	if err != nil {
		return err
	}
	for {
		more := next(rec)
		more.Payload = binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(rec.Payload)+1)
		_, err := st.Update(ctx, ref, rec.Rev, more)
		var conflict *session.ConflictError
		if !errors.As(err, &conflict) {
			return err
		}
		rec = conflict.Current
	}
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
		if _, err := st.Load(t.Context(), newRecord().ID.String()); !errors.Is(err, client.ErrClosing) {
			t.Errorf("Load after Close: %v, want ErrClosing", err)
		}
		if err := st.Delete(t.Context(), newRecord().ID.String()); !errors.Is(err, client.ErrClosing) {
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
		{"everything", rueidis.Options{Prefix: "p", Timeout: time.Second, MaxRevocationDelay: time.Minute, Replicas: 1}, ""},
		{"negative timeout", rueidis.Options{Timeout: -1}, "Timeout"},
		{"negative delay", rueidis.Options{MaxRevocationDelay: -1}, "MaxRevocationDelay"},
		{"a delay nobody would want", rueidis.Options{MaxRevocationDelay: time.Minute + 1}, "MaxRevocationDelay"},
		{"negative replicas", rueidis.Options{Replicas: -1}, "Replicas"},
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

// TestLoadCopies makes sure that what was loaded is the caller's, with the
// client's cache in between and without.
func TestLoadCopies(t *testing.T) {
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		s := p.Start(t)
		other := open(t, "redis://"+s.Addr, rueidis.Options{})
		for _, delay := range []time.Duration{0, time.Minute} {
			st := open(t, "redis://"+s.Addr, rueidis.Options{MaxRevocationDelay: delay})
			rec := newRecord()
			ref, err := other.Create(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				got, err := st.Load(t.Context(), ref)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(rec, got); diff != "" {
					t.Fatalf("Load after the last one's payload was changed (-want +got):\n%s", diff)
				}
				clear(got.Payload)
			}
		}
	})
}
