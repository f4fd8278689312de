// Runtests runs go test in the given modules and prints what a person wants to
// see of it: what the failed and the skipped tests said, go test's line for each
// package, what is going on if that takes long, and the counts, subtests
// included. It ends with status 1 if a test failed, if one was skipped, since
// that has tested nothing, and if no test passed.
//
// Tests wait a lot, for servers and for time to pass, while a build takes all
// processors. So a module begins as soon as the one before it has nothing left to
// build.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	race := flag.Bool("race", false, "run the tests under the race detector")
	log := flag.String("log", os.DevNull, "`file` for the whole output of go test -json")
	flag.Parse()
	ok, err := run(*race, *log, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "runtests:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(race bool, log string, dirs []string) (ok bool, err error) {
	if err := os.MkdirAll(filepath.Dir(log), 0o777); err != nil {
		return false, err
	}
	file, err := os.Create(log)
	if err != nil {
		return false, err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	r := newReport(os.Stdout, file)
	err = r.run(dirs, goTest(context.Background(), race))
	return r.summary(), err
}
