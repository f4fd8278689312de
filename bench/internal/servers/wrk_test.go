package servers

import (
	"testing"
	"time"
)

const wrkOutput = `Running 1s test @ http://127.0.0.1:8080
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms    1.54ms  24.70ms   87.50%
    Req/Sec    31.44k     2.10k   35.11k    70.00%
  Latency Distribution
     50%  812.00us
     75%    1.20ms
     90%    2.31ms
     99%    7.35ms
  31290 requests in 1.00s, 3.94MB read
Requests/sec:  31245.17
Transfer/sec:      3.93MB
`

func TestParseWrk(t *testing.T) {
	got, err := parseWrk(wrkOutput)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Load{31245.17, 812 * time.Microsecond, 7350 * time.Microsecond}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseWrkRefusesWhatIsNoResult(t *testing.T) {
	for name, out := range map[string]string{
		"requests that failed": wrkOutput + "  Non-2xx or 3xx responses: 3\n",
		"connections lost":     wrkOutput + "  Socket errors: connect 0, read 2, write 0, timeout 0\n",
		"no figures":           "unable to connect",
	} {
		if load, err := parseWrk(out); err == nil {
			t.Errorf("%s: no error, but %+v", name, load)
		}
	}
}
