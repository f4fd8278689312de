package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/session"
)

func TestProgramServesUntilItIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session.key")
	tests := []struct {
		name, key string
		args      []string
		notice    string
	}{
		{"memory", "", nil, ""},
		{"cookie", session.NewKey().Encode(), nil, ""},
		{"cookie", "", []string{"-key", file}, "shop: the key that seals the cookies is in " + file},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, tt.key, append([]string{"-store", tt.name}, tt.args...)...)
			b := p.browser(t, tt.name)
			b.get("/").wants(t, "Morning mug")
			b.signIn("/")
			stream := b.listen() // which does not keep it from ending

			if stderr := strings.TrimSpace(p.stop(t)); stderr != tt.notice {
				t.Errorf("stderr is %q, want %q", stderr, tt.notice)
			}
			if _, err := io.ReadAll(stream); err != nil {
				t.Errorf("the clock was cut off: %v", err)
			}
		})
	}
}

func TestRestartLogsNoUserOut(t *testing.T) {
	t.Parallel()
	redis := "redis://" + redistest.Start(t).Addr
	for store, args := range map[string][]string{"cookie": nil, "redis": {"-redis", redis}} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "session.key")
			args := append([]string{"-store", store, "-key", file}, args...)
			before := startProgram(t, "", args...)
			b := before.browser(t, store)
			b.signIn("/")
			before.stop(t)
			if !b.at(startProgram(t, "", args...)).isSignedIn() {
				t.Error("after a restart the user is not signed in")
			}
		})
	}
}

func TestRunRefusesWhatItCannotDo(t *testing.T) {
	noKey := filepath.Join(t.TempDir(), "no.key")
	if err := os.WriteFile(noKey, []byte("c2hvcnQ"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		key  string
		args []string
		want string
	}{
		{"an unknown store", "", []string{"-store", "tape"}, `-store "tape": want memory, cookie, redis, sqlite, postgres or mysql`},
		{"an argument too many", "", []string{"now"}, `unexpected argument "now"`},
		{"an address of nowhere", "", []string{"-addr", "localhost:http:1"}, "too many colons"},
		{"no Redis server", "", []string{"-store", "redis", "-redis", "redis://:c2hvcnQ@127.0.0.1:1"}, `start a server: redis-server --save "" --port 6379`},
		{"a URL of something else", "", []string{"-store", "redis", "-redis", "http://:c2hvcnQ@127.0.0.1:1"}, `unknown scheme "http"`},
		{"no URL of a database", "", []string{"-store", "postgres"}, "set DATABASE_URL, or -url"},
		{"no PostgreSQL server", "", []string{"-store", "postgres", "-url", "postgres://shop:c2hvcnQ@127.0.0.1:1/shop"}, "connect"},
		{"no MySQL server", "", []string{"-store", "mysql", "-url", "shop:c2hvcnQ@tcp(127.0.0.1:1)/shop"}, "connect"},
		{"a name that is none", "", []string{"-store", "mysql", "-url", "shop:c2hvcnQ@"}, "invalid DSN"},
		{"a folder that is not there", "", []string{"-store", "sqlite", "-url", "/nowhere/shop.db"}, "no such file"},
		{"a short key", "c2hvcnQ", nil, "SESSION_KEY: "},
		{"a file without a key", "", []string{"-store", "cookie", "-key", noKey}, "session: key is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SESSION_KEY", tt.key)
			t.Setenv("DATABASE_URL", "")
			err := run(context.Background(), tt.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("run answered %v, want an error with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "c2hvcnQ") {
				t.Error("the error quotes the key, or the password")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Error("the error has more than one line")
			}
		})
	}
}
