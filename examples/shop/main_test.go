package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/typedsession/typedsession/session"
)

func TestProgramServesUntilItIsTold(t *testing.T) {
	tests := []struct{ store, key, notice string }{
		{"memory", "", "SESSION_KEY is not set"},
		{"cookie", session.NewKey().Encode(), ""},
	}
	for _, tt := range tests {
		t.Run(tt.store, func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, tt.key, "-store", tt.store)
			b := p.browser(t, tt.store)
			b.get("/").wants(t, "Morning mug")
			b.signIn("/")
			stream := b.listen() // which does not keep it from ending

			stderr := p.stop(t)
			if !strings.Contains(stderr, tt.notice) || tt.notice == "" && stderr != "" {
				t.Errorf("stderr is %q, want a notice of %q", stderr, tt.notice)
			}
			if _, err := io.ReadAll(stream); err != nil {
				t.Errorf("the clock was cut off: %v", err)
			}
		})
	}
}

func TestRunRefusesWhatItCannotDo(t *testing.T) {
	tests := []struct {
		name string
		key  string
		args []string
		want string
	}{
		{"an unknown store", "", []string{"-store", "tape"}, `-store "tape": want memory, cookie or redis`},
		{"an argument too many", "", []string{"now"}, `unexpected argument "now"`},
		{"an address of nowhere", "", []string{"-addr", "localhost:http:1"}, "too many colons"},
		{"no Redis server", "", []string{"-store", "redis", "-redis", "redis://:c2hvcnQ@127.0.0.1:1"}, `start a server: redis-server --save "" --port 6379`},
		{"a URL of something else", "", []string{"-store", "redis", "-redis", "http://:c2hvcnQ@127.0.0.1:1"}, `unknown scheme "http"`},
		{"a short key", "c2hvcnQ", nil, "SESSION_KEY: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SESSION_KEY", tt.key)
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
