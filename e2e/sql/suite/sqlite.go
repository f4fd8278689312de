package suite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/sqlstore"
)

// Opener opens a SQLite file. options are added to the data source name.
type Opener func(path, options string) (*sql.DB, error)

// childTask is the environment variable that makes a test binary do a task as
// another process: its name, the file, and what it needs.
const childTask = "SQLSTORE_CHILD"

// SQLiteMain runs a package's tests, or the task of a child process.
func SQLiteMain(m *testing.M, open Opener) {
	task := os.Getenv(childTask)
	if task == "" {
		os.Exit(m.Run())
	}
	if err := runChild(strings.Split(task, "|"), open); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func runChild(task []string, open Opener) error {
	db, err := open(task[1], "")
	if err != nil {
		return err
	}
	defer Shut(db)
	if task[0] == "hold" {
		return holdLock(db)
	}
	return countAsChild(db, task[2])
}

// holdLock holds the lock of writers until stdin is closed.
func holdLock(db *sql.DB) error {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer Shut(conn)
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// countAsChild adds to the counter of a session, and prints a line for each
// success, until it has done so a thousand times or is killed.
func countAsChild(db *sql.DB, id string) error {
	st, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Options{Timeout: time.Minute})
	if err != nil {
		return err
	}
	var rec store.Record
	if rec.ID, err = store.ParseID(id); err != nil {
		return err
	}
	for range 1000 {
		if rec, err = st.Load(context.Background(), rec.ID); err != nil {
			return err
		}
		if _, _, err := add(context.Background(), st, rec); err != nil {
			return err
		}
		fmt.Println("added")
	}
	return nil
}

// child is another process that runs a task.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	output *bufio.Reader
}

func startChild(t testing.TB, task ...string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+strings.Join(task, "|"))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{cmd, stdin, bufio.NewReader(output)}
}

// line returns the next line that the process prints, "" at the end.
func (c *child) line() string {
	text, _ := c.output.ReadString('\n') // an error is the end
	return strings.TrimSpace(text)
}

// RunSQLite runs the tests that only a file and its processes need.
func RunSQLite(t *testing.T, open Opener) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Opener, string)
	}{
		{"two processes change one session", twoProcesses},
		{"a process is killed while it writes", killedProcess},
		{"another process holds the lock", busy},
		{"the disk is full", full},
		{"the file is read-only", readOnlyFile},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open, filepath.Join(t.TempDir(), "sessions.db")) })
	}
}

func openFile(t testing.TB, open Opener, path, options string) Database {
	t.Helper()
	db, err := open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Shut(db) })
	return Database{Dialect: sqlstore.SQLite, DB: db}
}

func openSessions(t testing.TB, db Database) *sqlstore.Store {
	t.Helper()
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return st
}

func mustCreateCounter(t testing.TB, st *sqlstore.Store) store.Record {
	rec := newRecord("ann")
	rec.Payload = []byte("0")
	return mustCreate(t, st, rec)
}

func wantCount(t testing.TB, st *sqlstore.Store, id store.ID, least, most int) {
	t.Helper()
	rec, err := st.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(string(rec.Payload)); err != nil || n < least || n > most {
		t.Errorf("the counter is at %s, want %d to %d", rec.Payload, least, most)
	}
}

func twoProcesses(t *testing.T, open Opener, path string) {
	st := openSessions(t, openFile(t, open, path, ""))
	rec := mustCreateCounter(t, st)
	other := startChild(t, "count", path, rec.ID.String())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 250 {
				now, err := st.Load(t.Context(), rec.ID)
				if err == nil {
					_, _, err = add(t.Context(), st, now)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	added := 0
	for line := other.line(); line != ""; line = other.line() {
		if line != "added" {
			t.Fatal(line)
		}
		added++
	}
	if err := other.cmd.Wait(); err != nil {
		t.Error(err)
	}
	all.Wait()
	wantCount(t, st, rec.ID, added+1000, 2000)
	if added != 1000 {
		t.Errorf("the other process added %d, want 1000", added)
	}
}

// killedProcess kills a process that writes, three times. What it was told to
// have succeeded is there, and the file can be used.
func killedProcess(t *testing.T, open Opener, path string) {
	st := openSessions(t, openFile(t, open, path, ""))
	rec := mustCreateCounter(t, st)
	added := 0
	for range 3 {
		other := startChild(t, "count", path, rec.ID.String())
		for range 100 {
			if line := other.line(); line != "added" {
				t.Fatal(line)
			}
			added++
		}
		if err := other.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for other.line() == "added" {
			added++
		}
		_ = other.cmd.Wait() // it was killed
	}
	wantCount(t, st, rec.ID, added, added+3)
	now, err := st.Load(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := add(t.Context(), st, now); err != nil {
		t.Error(err)
	}
}

func busy(t *testing.T, open Opener, path string) {
	db := openFile(t, open, path, "")
	st := openSessions(t, db)
	rec := mustCreate(t, st, newRecord("ann"))
	other := startChild(t, "hold", path)
	if line := other.line(); line != "held" {
		t.Fatal(line)
	}

	// Readers do not wait, and writers give up at their time.
	wantRecord(t, st, rec)
	short := openSessionsShort(t, db)
	start := time.Now()
	for name, err := range map[string]error{
		"Create": short.Create(t.Context(), newRecord("")),
		"Update": short.Update(t.Context(), rec.Rev, next(rec, "")),
		"Delete": short.Delete(t.Context(), rec.ID),
	} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s of a locked file: error %v, want one that wraps context.DeadlineExceeded", name, err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("three writes with a timeout of 300 ms took %v", took)
	}

	// A writer with more time gets its turn.
	done := make(chan error, 1)
	changed := next(rec, "changed")
	go func() { done <- st.Update(t.Context(), rec.Rev, changed) }()
	select {
	case err := <-done:
		t.Fatalf("Update of a locked file returned %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	other.stdin.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := other.cmd.Wait(); err != nil {
		t.Error(err)
	}
	wantRecord(t, st, changed)
}

func openSessionsShort(t testing.TB, db Database) *sqlstore.Store {
	t.Helper()
	st, err := sqlstore.New(db.DB, db.Dialect, sqlstore.Options{Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func full(t *testing.T, open Opener, path string) {
	st := openSessions(t, openFile(t, open, path, "&_pragma=max_page_count(60)"))
	var recs []store.Record
	var refused store.Record
	for len(recs) < 10_000 {
		rec := newRecord("ann")
		rec.Payload = make([]byte, 500)
		err := st.Create(t.Context(), rec)
		if errors.Is(err, store.ErrFull) {
			refused = rec
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
	if len(recs) == 0 || len(recs) == 10_000 {
		t.Fatalf("%d records created in 60 pages", len(recs))
	}
	_, err := st.Load(t.Context(), refused.ID)
	wantError(t, err, store.ErrNotFound)
	for _, rec := range recs {
		wantRecord(t, st, rec)
	}
	// What exists can be read, changed and ended, which frees space.
	changed := next(recs[0], strings.Repeat("x", 500))
	if err := st.Update(t.Context(), recs[0].Rev, changed); err != nil {
		t.Errorf("Update: %v", err)
	}
	start := time.Now()
	if ended, err := st.RevokeSubject(t.Context(), "ann", time.Now(), recs[0].ID); err != nil || len(ended) != len(recs)-1 {
		t.Errorf("RevokeSubject has ended %d of %d, %v", len(ended), len(recs)-1, err)
	}
	wantDeleted(t, st, recs[1].ID, start)
	wantRecord(t, st, changed)
	mustCreate(t, st, newRecord("bob"))
}

func readOnlyFile(t *testing.T, open Opener, path string) {
	writable := openFile(t, open, path, "")
	openSessions(t, writable) // creates the file
	ReadOnly(t, writable, openFile(t, open, path, "&_pragma=query_only(1)"), "readonly")
	ReadOnly(t, writable, openFile(t, open, path, "&mode=ro"), "readonly")
}
