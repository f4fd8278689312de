package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// message is what a module says while its tests run: first its packages, then the
// lines of go test -json, then that it has ended.
type message struct {
	dir      string // of the module
	packages []string
	line     []byte
	ended    bool
	err      error // why it ended; nil if all tests have passed
}

// starter runs the tests of the module in dir and sends what it says.
type starter func(dir string, to chan<- message)

// goTest returns a starter that calls the go command. A shuffled run is never
// answered from the cache. Vet is the linters' part.
func goTest(ctx context.Context, race bool) starter {
	args := []string{"test", "-json", "-vet=off", "-shuffle=on", "-timeout=30m"}
	if race {
		args = append(args, "-race")
	}
	args = append(args, "./...")
	return func(dir string, to chan<- message) {
		err := list(ctx, dir, to)
		if err == nil {
			err = test(ctx, dir, args, to)
		}
		to <- message{dir: dir, ended: true, err: err}
	}
}

func list(ctx context.Context, dir string, to chan<- message) error {
	cmd := exec.CommandContext(ctx, "go", "-C", dir, "list", "./...")
	cmd.Stderr = os.Stderr
	packages, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list in %s: %w", dir, err)
	}
	to <- message{dir: dir, packages: strings.Fields(string(packages))}
	return nil
}

func test(ctx context.Context, dir string, args []string, to chan<- message) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"-C", dir}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	from := bufio.NewReader(out)
	for err == nil {
		var line []byte
		if line, err = from.ReadBytes('\n'); len(line) > 0 {
			to <- message{dir: dir, line: line}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("go test in %s: %w", dir, err)
	}
	return nil
}
