// Testreport reads the output of go test -json and prints what a person wants
// to see of it: what the failed and the skipped tests said, go test's line for
// each package, and the counts, subtests included. It ends with status 1 if a
// test failed, if one was skipped, since that has tested nothing, and if no
// test passed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
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

// event is one line of go test -json, as go doc test2json describes it.
type event struct {
	Action  string
	Package string
	Test    string // "" where the event is about the package
	Output  string
}

// report is what is known so far, and not printed yet.
type report struct {
	out                     io.Writer
	passed, failed, skipped int
	packages                map[string]*pkg
}

// pkg is a package whose result has not come yet.
type pkg struct {
	output map[string]string // of tests without a result; "" is the package
	failed bool              // one of its tests did
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: make(map[string]*pkg)}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				e = event{Action: "build-output", Output: string(line)}
			}
			r.add(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	if e.Action == "build-output" {
		r.print(e.Output)
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &pkg{output: make(map[string]string)}
		r.packages[e.Package] = p
	}
	switch e.Action {
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") { // RUN, PAUSE, CONT, NAME
			p.output[e.Test] += e.Output
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(p, e)
		} else {
			r.endTest(p, e)
		}
	}
}

func (r *report) endTest(p *pkg, e event) {
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		p.failed = true
		r.print(p.output[e.Test])
	case "skip":
		r.skipped++
		r.print(p.output[e.Test])
	}
	delete(p.output, e.Test)
}

func (r *report) endPackage(p *pkg, e event) {
	delete(r.packages, e.Package)
	own := p.output[""]
	delete(p.output, "")
	if e.Action != "fail" {
		// The last line is the result: "ok", or "?" where there are no tests.
		own = strings.TrimSuffix(own, "\n")
		r.print(own[strings.LastIndexByte(own, '\n')+1:] + "\n")
		return
	}
	// Tests without a result are those that a panic or the timeout ended.
	for _, test := range slices.Sorted(maps.Keys(p.output)) {
		r.print(p.output[test])
	}
	r.print(own)
	if !p.failed {
		r.failed++ // it did not build, say, or a panic ended it
	}
}

func (r *report) print(text string) {
	fmt.Fprint(r.out, text)
}

// summary prints the counts and reports whether all is well.
func (r *report) summary() bool {
	r.print(fmt.Sprintf("\n%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped))
	return r.passed > 0 && r.failed == 0 && r.skipped == 0
}
