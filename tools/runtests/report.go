package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is one line of go test -json, as go doc test2json describes it.
type event struct {
	Action  string
	Package string
	Test    string // "" if the event is about the package
	Output  string
}

// report is what is known so far, and not printed yet.
type report struct {
	out, log                io.Writer
	began                   time.Time
	quiet                   bool // nothing was printed since the last tick
	passed, failed, skipped int
	packages                map[string]*pkg
}

// pkg is a package whose tests are running.
type pkg struct {
	output map[string]string // of tests without a result; "" is the package
	failed bool              // one of its tests did
}

// newReport returns a report that is printed to out. What go test says goes to
// log.
func newReport(out, log io.Writer) *report {
	return &report{out: out, log: log, began: time.Now(), quiet: true, packages: make(map[string]*pkg)}
}

// tick is for how long a person waits before wondering whether anything happens.
const tick = 15 * time.Second

// run runs the tests of the modules and reports them.
func (r *report) run(dirs []string, start starter) error {
	q := &queue{dirs: dirs, start: start, messages: make(chan message)}
	q.begin()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var errs []error
	for q.running > 0 {
		select {
		case m := <-q.messages:
			var e event
			if m.line != nil {
				e = r.add(m.line)
			}
			errs = append(errs, m.err)
			q.advance(m, e)
		case <-ticker.C:
			if r.quiet {
				r.progress()
			}
			r.quiet = true
		}
	}
	if r.failed > 0 {
		return nil // what failed was printed, and is why go test ended with an error
	}
	return errors.Join(errs...)
}

// add reports one line of go test -json.
func (r *report) add(line []byte) event {
	_, _ = r.log.Write(line)
	var e event
	if json.Unmarshal(line, &e) != nil {
		e = event{Action: "build-output", Output: string(line)}
	}
	if e.Action == "build-output" {
		r.print(e.Output)
		return e
	}
	if e.Package == "" {
		return e // about a build, whose output was printed
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
	return e
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
		// The last line is the result: "ok", or "?" if there are no tests.
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

// progress prints what go test is doing. It does not say what it builds, so if no
// test runs, it is building.
func (r *report) progress() {
	doing := "building"
	if len(r.packages) > 0 {
		doing = "testing " + strings.Join(slices.Sorted(maps.Keys(r.packages)), ", ")
	}
	r.print(fmt.Sprintf("    %v: %s (%d tests passed)\n", r.elapsed(), doing, r.passed))
}

func (r *report) elapsed() time.Duration {
	return time.Since(r.began).Round(time.Second)
}

func (r *report) print(text string) {
	r.quiet = false
	_, _ = io.WriteString(r.out, text)
}

// summary prints the counts and reports whether all is well.
func (r *report) summary() bool {
	r.print(fmt.Sprintf("\n%d passed, %d failed, %d skipped in %v\n", r.passed, r.failed, r.skipped, r.elapsed()))
	return r.passed > 0 && r.failed == 0 && r.skipped == 0
}
