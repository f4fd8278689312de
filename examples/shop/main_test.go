package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/typedsession/typedsession/session"
)

func TestProgramServesUntilItIsTold(t *testing.T) {
	program := filepath.Join(t.TempDir(), "shop")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	key := session.NewKey().Encode()
	tests := []struct{ store, key, notice string }{
		{"memory", "", "SESSION_KEY is not set"},
		{"cookie", key, ""},
	}
	for _, tt := range tests {
		t.Run(tt.store, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program, "-addr", "localhost:0", "-store", tt.store)
			cmd.Env = append(os.Environ(), "SESSION_KEY="+tt.key)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			m := regexp.MustCompile(`^shop: listening on (http://localhost:[1-9][0-9]*)\n$`).FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("the first line is %q", line)
			}

			req, err := http.NewRequestWithContext(t.Context(), "GET", m[1]+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK ||
				!strings.Contains(string(body), "Morning mug") {
				t.Errorf("GET / answered %s, error %v", res.Status, err)
			}

			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("after SIGTERM: %v\n%s", err, &stderr)
			}
			if !strings.Contains(stderr.String(), tt.notice) || tt.notice == "" && stderr.Len() > 0 {
				t.Errorf("stderr is %q, want a notice of %q", &stderr, tt.notice)
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
		{"an unknown store", "", []string{"-store", "tape"}, `-store "tape": want memory or cookie`},
		{"an argument too many", "", []string{"now"}, `unexpected argument "now"`},
		{"an address of nowhere", "", []string{"-addr", "localhost:http:1"}, "too many colons"},
		{"a short key", "c2hvcnQ", nil, "SESSION_KEY: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SESSION_KEY", tt.key)
			err := run(context.Background(), tt.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("run answered %v, want an error with %q", err, tt.want)
			}
			if tt.key != "" && strings.Contains(err.Error(), tt.key) {
				t.Error("the error quotes the key")
			}
		})
	}
}
