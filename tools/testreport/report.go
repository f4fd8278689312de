package main

import (
	"bufio"
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
	Test    string // "" where the event is about the package
	Output  string
}

// report is what is known so far, and not printed yet.
type report struct {
	out                     io.Writer
	began                   time.Time
	quiet                   bool // nothing was printed since the last tick
	passed, failed, skipped int
	packages                map[string]*pkg
}

// pkg is a package whose result has not come yet.
type pkg struct {
	output map[string]string // of tests without a result; "" is the package
	failed bool              // one of its tests did
}

func newReport(out io.Writer) *report {
	return &report{out: out, began: time.Now(), quiet: true, packages: make(map[string]*pkg)}
}

// tick is for how long a person waits before wondering whether anything happens.
const tick = 15 * time.Second

// read reports the lines of in, and what goes on while there are none.
func (r *report) read(in io.Reader) error {
	lines, end := make(chan []byte), make(chan error, 1)
	go scan(in, lines, end)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case line := <-lines:
			var e event
			if json.Unmarshal(line, &e) != nil {
				e = event{Action: "build-output", Output: string(line)}
			}
			r.add(e)
		case <-ticker.C:
			if r.quiet {
				r.progress()
			}
			r.quiet = true
		case err := <-end:
			return err
		}
	}
}

// scan sends the lines of in, and then why they end: nil at the end of in.
func scan(in io.Reader, lines chan<- []byte, end chan<- error) {
	from := bufio.NewReader(in)
	for {
		line, err := from.ReadBytes('\n')
		if len(line) > 0 {
			lines <- line
		}
		if errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			continue
		}
		end <- err
		return
	}
}

func (r *report) add(e event) {
	if e.Action == "build-output" {
		r.print(e.Output)
		return
	}
	if e.Package == "" {
		return // about a build, whose output was printed
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

// progress prints what go test is doing. It says nothing of packages that it
// builds, so that without one that runs it is building.
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
	fmt.Fprint(r.out, text)
}

// summary prints the counts and reports whether all is well.
func (r *report) summary() bool {
	r.print(fmt.Sprintf("\n%d passed, %d failed, %d skipped in %v\n", r.passed, r.failed, r.skipped, r.elapsed()))
	return r.passed > 0 && r.failed == 0 && r.skipped == 0
}
