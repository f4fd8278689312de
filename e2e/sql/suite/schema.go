package suite

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store/sqlstore"
)

func schema(t *testing.T, db Database) {
	t.Run("a table name may need quoting", func(t *testing.T) { quoting(t, db) })
	t.Run("a table name may have a schema", func(t *testing.T) { qualified(t, db) })
	t.Run("processes may migrate at once", func(t *testing.T) { migrateAtOnce(t, db) })
	t.Run("the application may run the schema", func(t *testing.T) { ownMigration(t, db) })
	t.Run("a table that is missing is an error", func(t *testing.T) { missing(t, db) })
	t.Run("a table of another version is an error", func(t *testing.T) { otherVersion(t, db) })
	t.Run("a table of another kind is an error", func(t *testing.T) { otherTable(t, db) })
	t.Run("another dialect is an error", func(t *testing.T) { otherDialect(t, db) })
}

func quoting(t *testing.T, db Database) {
	for _, table := range []string{"select", "Sessions", `we"ird`, "we`ird", "a b;--", "$1 ?1 :x", "{control}", "ünï", strings.Repeat("x", 50)} {
		st := open(t, db, sqlstore.Options{Table: table})
		rec := mustCreate(t, st, login(newRecord("ann")))
		wantRecord(t, st, rec)
		changed := login(next(rec, "changed"))
		if err := st.Update(t.Context(), rec.Rev, changed); err != nil {
			t.Fatal(err)
		}
		if ended, err := st.RevokeSubject(t.Context(), "ann", time.Now()); err != nil || len(ended) != 1 {
			t.Fatal(ended, err)
		}
		if _, err := st.DeleteExpired(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func qualified(t *testing.T, db Database) {
	schema := map[sqlstore.Dialect]string{sqlstore.SQLite: "main", sqlstore.PostgreSQL: "public", sqlstore.MySQL: "shop"}[db.Dialect]
	table := newTable()
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: schema + "." + table})
	if err != nil {
		t.Fatal(err)
	}
	defer Shut(st)
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer drop(t, db, table)
	rec := mustCreate(t, st, newRecord("ann"))
	unqualified, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	defer Shut(unqualified)
	wantRecord(t, unqualified, rec)
}

func migrateAtOnce(t *testing.T, db Database) {
	table := newTable()
	t.Cleanup(func() { drop(t, db, table) })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table, Timeout: time.Minute})
			if err == nil {
				err = st.Migrate(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func ownMigration(t *testing.T, db Database) {
	table := newTable()
	text, err := sqlstore.Schema(db.Dialect, table)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, db, table) })
	for range 2 {
		for statement := range strings.SplitSeq(text, ";\n") {
			if strings.TrimSpace(statement) != "" {
				execute(t, db, statement)
			}
		}
	}
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRecord(t, st, mustCreate(t, st, newRecord("ann")))
}

// wantMessage fails the test if the error does not say why.
func wantMessage(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Fatalf("error %v, want one with %q", err, word)
		}
	}
}

func missing(t *testing.T, db Database) {
	table := newTable()
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	wantMessage(t, st.Check(t.Context()), table, "Migrate")
	wantMessage(t, st.Create(t.Context(), newRecord("")), table)
	_, err = st.Load(t.Context(), newRecord("").ID)
	wantMessage(t, err, table)
}

func otherVersion(t *testing.T, db Database) {
	table := newTable()
	st := open(t, db, sqlstore.Options{Table: table})
	for _, version := range []string{"0", "2"} {
		execute(t, db, "UPDATE "+quote(db.Dialect, table+"_control")+" SET value = "+version)
		wantMessage(t, st.Check(t.Context()), table, "version "+version+", want 1")
		wantMessage(t, st.Migrate(t.Context()), table, "version "+version+", want 1")
	}
}

func otherTable(t *testing.T, db Database) {
	table := newTable()
	execute(t, db, "CREATE TABLE "+quote(db.Dialect, table)+" (id INTEGER, data INTEGER, subject_key INTEGER, sweep INTEGER)")
	t.Cleanup(func() { drop(t, db, table) })
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	wantMessage(t, st.Migrate(t.Context()), table, "not one of sessions")
}

func otherDialect(t *testing.T, db Database) {
	for _, dialect := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL, sqlstore.MySQL} {
		if dialect == db.Dialect {
			continue
		}
		st, err := sqlstore.New(db.DB, dialect, sqlstore.Options{Timeout: 200 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		wantMessage(t, st.Check(t.Context()), "is the database "+dialect.String())
		wantMessage(t, st.Migrate(t.Context()), "is the database "+dialect.String())
	}
}
