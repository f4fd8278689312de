package suite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/internal/sqltest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// Faults breaks the network between the store and a server, and the server.
// open connects to a server at an address.
func Faults(t *testing.T, name string, open func(t testing.TB, addr string) Database) {
	server := sqltest.Start(t, name)
	direct := open(t, server.Addr)
	for _, fault := range []struct {
		name   string
		inject func(t *testing.T, p *redistest.Proxy, l *load)
	}{
		{"all connections are cut every 5 ms", cutAll},
		{"requests are lost", loseRequests},
		{"answers are lost", loseAnswers},
		{"the network is silent for a second", silence},
		{"the server kills every connection", func(t *testing.T, _ *redistest.Proxy, l *load) {
			killConnections(t, direct, l)
		}},
		{"the server is killed and started again", func(t *testing.T, _ *redistest.Proxy, l *load) {
			server.Kill()
			time.Sleep(300 * time.Millisecond)
			if err := server.Run(); err != nil {
				t.Fatal(err)
			}
			l.waitAnswered(t, 500)
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			p := redistest.NewProxy(t, server.Addr)
			db := open(t, p.Addr)
			table := newTable()
			openTable(t, direct, table)
			// More than a restart takes, so that no operation stays without an answer.
			st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table, Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			l := startLoad(t, st)
			l.waitAnswered(t, 200)
			start := time.Now()
			fault.inject(t, p, l)
			l.waitAnswered(t, 200)
			t.Logf("all well after %v", time.Since(start).Round(time.Millisecond))
			l.stop(t)
			if n := l.unknown.Load(); n > 0 {
				t.Errorf("%d operations ended without an answer, want 0", n)
			}
		})
	}
	t.Run("an operation ends within its timeout", func(t *testing.T) { bounded(t, server, open) })
}

// FailOver kills a server whose commits wait for a replica, and promotes the
// replica. db finds the server that takes writes.
func FailOver(t *testing.T, db Database, primary, replica *sqltest.Server) {
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := startLoad(t, st)
	l.waitAnswered(t, 500)
	primary.Kill()
	time.Sleep(200 * time.Millisecond)
	if err := replica.Promote(); err != nil {
		t.Fatal(err)
	}
	l.waitAnswered(t, 500)
	l.stop(t)
	if n := l.unknown.Load(); n > 0 {
		t.Errorf("%d operations ended without an answer, want 0", n)
	}
}

func openTable(t testing.TB, db Database, table string) { open(t, db, sqlstore.Options{Table: table}) }

func cutAll(t *testing.T, p *redistest.Proxy, _ *load) {
	stop := p.CutEvery(5 * time.Millisecond)
	time.Sleep(2 * time.Second)
	t.Logf("%d connections cut", stop())
}

func loseRequests(_ *testing.T, p *redistest.Proxy, _ *load) { lose(p.LoseRequest) }
func loseAnswers(_ *testing.T, p *redistest.Proxy, _ *load)  { lose(p.LoseAnswer) }

// lose loses 300 of what a client or the server sends, one after the other.
func lose(next func(then func())) {
	for range 300 {
		lost := make(chan struct{})
		next(func() { close(lost) })
		<-lost
	}
}

func silence(_ *testing.T, p *redistest.Proxy, _ *load) {
	p.Silence(true)
	time.Sleep(time.Second)
	p.Silence(false)
}

// killConnections ends all connections but its own, 100 times.
func killConnections(t *testing.T, db Database, _ *load) {
	for range 100 {
		if db.Dialect == sqlstore.PostgreSQL {
			execute(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
		} else {
			killMySQL(t, db)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func killMySQL(t *testing.T, db Database) {
	rows, err := db.DB.QueryContext(t.Context(), "SELECT concat('KILL ', id) FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'")
	if err != nil {
		return // killed itself, as it has several connections
	}
	defer Shut(rows)
	var kills []string
	for rows.Next() {
		var kill string
		if err := rows.Scan(&kill); err != nil {
			t.Fatal(err)
		}
		kills = append(kills, kill)
	}
	Shut(rows)
	for _, kill := range kills {
		_, _ = db.DB.ExecContext(t.Context(), kill) // it may have ended
	}
}

// bounded holds that no operation waits for a silent network or for its caller's
// deadline to pass.
func bounded(t *testing.T, server *sqltest.Server, open func(t testing.TB, addr string) Database) {
	p := redistest.NewProxy(t, server.Addr)
	db := open(t, p.Addr)
	table := newTable()
	openTable(t, open(t, server.Addr), table)
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	rec := mustCreate(t, st, newRecord("ann"))
	p.Silence(true)
	defer p.Silence(false)
	for name, operation := range map[string]func(context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := st.Load(ctx, rec.ID); return err },
		"Create": func(ctx context.Context) error { return st.Create(ctx, newRecord("")) },
		"Update": func(ctx context.Context) error { return st.Update(ctx, rec.Rev, login(next(rec, "x"))) },
		"Delete": func(ctx context.Context) error { return st.Delete(ctx, rec.ID) },
		"ListSessions": func(ctx context.Context) error {
			_, err := st.ListSessions(ctx, "ann")
			return err
		},
		"RevokeSubject": func(ctx context.Context) error {
			_, err := st.RevokeSubject(ctx, "ann", time.Now())
			return err
		},
		"DeleteExpired": func(ctx context.Context) error { _, err := st.DeleteExpired(ctx); return err },
	} {
		for _, limit := range []time.Duration{time.Hour, 100 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			start := time.Now()
			err := operation(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s on a silent network: error %v, want one that wraps context.DeadlineExceeded", name, err)
			}
			// Far more than it takes, and far less than without a bound.
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%s on a silent network took %v", name, took)
			}
		}
	}
}
