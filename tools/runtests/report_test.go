package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReport(t *testing.T) {
	const (
		okTest = `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:4: chatter\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}`
		okPackage = `
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}`
		failPackage = `
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`
	)
	tests := []struct {
		name, stream, want string
		ok                 bool
	}{
		{
			name:   "a test that passes is only counted",
			stream: okTest + okPackage,
			want:   "ok  \tp\t0.1s\n\n1 passed, 0 failed, 0 skipped in 0s\n",
			ok:     true,
		},
		{
			name: "a test that fails is printed without those that pass",
			stream: okTest + `
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: got 1\n"}
{"Action":"fail","Package":"p","Test":"TestB"}` + failPackage,
			want: "    b_test.go:9: got 1\nFAIL\tp\t0.1s\n\n1 passed, 1 failed, 0 skipped in 0s\n",
		},
		{
			name: "a skipped test is an error though go test finds all well",
			stream: okTest + `
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: no server\n"}
{"Action":"skip","Package":"p","Test":"TestB"}` + okPackage,
			want: "    b_test.go:9: no server\nok  \tp\t0.1s\n\n1 passed, 0 failed, 1 skipped in 0s\n",
		},
		{
			name: "a package without tests is no skipped test",
			stream: okTest + okPackage + `
{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}`,
			want: "ok  \tp\t0.1s\n?   \tq\t[no test files]\n\n1 passed, 0 failed, 0 skipped in 0s\n",
			ok:   true,
		},
		{
			name: "a package that does not build counts as a failure",
			stream: okTest + okPackage + `
{"ImportPath":"q","Action":"build-output","Output":"q.go:3:1: syntax error\n"}
{"ImportPath":"q","Action":"build-fail"}
{"Action":"output","Package":"q","Output":"FAIL\tq [build failed]\n"}
{"Action":"fail","Package":"q","FailedBuild":"q"}`,
			want: "ok  \tp\t0.1s\nq.go:3:1: syntax error\nFAIL\tq [build failed]\n\n1 passed, 1 failed, 0 skipped in 0s\n",
		},
		{
			name: "a test that the timeout ended has no result, but is printed",
			stream: okTest + `
{"Action":"output","Package":"p","Test":"TestB","Output":"panic: test timed out\n"}` + failPackage,
			want: "panic: test timed out\nFAIL\tp\t0.1s\n\n1 passed, 1 failed, 0 skipped in 0s\n",
		},
		{
			name: "no test at all is an error",
			want: "\n0 passed, 0 failed, 0 skipped in 0s\n",
		},
		{
			name:   "a line that is not JSON is passed on",
			stream: okTest + okPackage + "\ngo: odd",
			want:   "ok  \tp\t0.1s\ngo: odd\n1 passed, 0 failed, 0 skipped in 0s\n",
			ok:     true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got strings.Builder
				r := newReport(&got, io.Discard)
				if err := r.run([]string{"m"}, says(strings.TrimPrefix(test.stream, "\n"))); err != nil {
					t.Fatal(err)
				}
				if ok := r.summary(); ok != test.ok {
					t.Errorf("all is well: %t, want %t", ok, test.ok)
				}
				if got.String() != test.want {
					t.Errorf("got\n%s\nwant\n%s", got.String(), test.want)
				}
			})
		})
	}
}

// says starts tests that say lines at once.
func says(lines string) starter {
	return func(dir string, to chan<- message) {
		for line := range strings.Lines(lines) {
			to <- message{dir: dir, line: []byte(line)}
		}
		to <- message{dir: dir, ended: true}
	}
}

func TestProgressIsPrintedIfNothingElseIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got strings.Builder
		start := func(dir string, to chan<- message) {
			say := func(line string) { to <- message{dir: dir, line: []byte(line)} }
			time.Sleep(40 * time.Second) // it builds
			say(`{"Action":"start","Package":"p"}`)
			say(`{"Action":"pass","Package":"p","Test":"TestA"}`)
			time.Sleep(22 * time.Second)
			say(`{"Action":"output","Package":"p","Output":"ok  \tp\t22s\n"}`)
			say(`{"Action":"pass","Package":"p"}`)
			time.Sleep(14 * time.Second)
			to <- message{dir: dir, ended: true}
		}
		if err := newReport(&got, io.Discard).run([]string{"m"}, start); err != nil {
			t.Fatal(err)
		}
		const want = "    15s: building (0 tests passed)\n" +
			"    30s: building (0 tests passed)\n" +
			"    45s: testing p (1 tests passed)\n" +
			"    1m0s: testing p (1 tests passed)\n" +
			"ok  \tp\t22s\n"
		if got.String() != want {
			t.Errorf("got\n%s\nwant\n%s", got.String(), want)
		}
	})
}

func TestModuleBeginsWhenTheOneBeforeIsBuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		began := make(map[string]time.Duration)
		start := func(dir string, to chan<- message) {
			began[dir] = time.Since(begun)
			if dir == "broken" {
				to <- message{dir: dir, ended: true, err: errors.New("no go.mod")}
				return
			}
			to <- message{dir: dir, packages: []string{dir + "/p", dir + "/q"}}
			for _, name := range []string{"p", "q"} {
				time.Sleep(10 * time.Second) // it builds
				to <- message{dir: dir, line: fmt.Appendf(nil, `{"Action":"start","Package":"%s/%s"}`, dir, name)}
			}
			time.Sleep(time.Minute) // the tests wait
			to <- message{dir: dir, ended: true}
		}
		err := newReport(io.Discard, io.Discard).run([]string{"a", "broken", "b", "c"}, start)
		if err == nil || err.Error() != "no go.mod" {
			t.Errorf("got %v, want the error of the module that is broken", err)
		}
		want := map[string]time.Duration{"a": 0, "broken": 20 * time.Second, "b": 20 * time.Second, "c": 40 * time.Second}
		if !maps.Equal(began, want) {
			t.Errorf("the modules began at %v, want %v", began, want)
		}
	})
}
