// Testreport reads the output of go test -json and prints what a person wants
// to see of it: what the failed and the skipped tests said, go test's line for
// each package, what is going on if that takes long, and the counts, subtests
// included. It ends with status 1 if a test failed, if one was skipped, since
// that has tested nothing, and if no test passed.
package main

import (
	"fmt"
	"os"
)

func main() {
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !r.summary() {
		os.Exit(1)
	}
}
