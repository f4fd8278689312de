package rueidis_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store/rueidis"
)

// state is what the site of the fault tests keeps for each visitor.
type state struct{ N int }

// site is a web application whose visitors count, on a store under test. Every
// visitor is one of a fixed number of sessions.
type site struct {
	t         *testing.T
	server    *httptest.Server
	visitors  []*visitor
	conflicts atomic.Int64
}

// visitor is one session as its browser sees it.
type visitor struct {
	id      session.ID
	cookie  string
	acked   atomic.Int64 // additions that were answered with success
	unknown atomic.Int64 // additions whose outcome the client cannot know
	leaving atomic.Bool  // a logout was sent
	ended   atomic.Bool  // and was answered with success

	mu       sync.Mutex
	failed   time.Time // the last failure
	restored time.Time // the first success after it
}

const (
	workers  = 32
	sessions = 100
	leavers  = 10 // of the sessions are logged out in between

	// maxRequests bounds a test on a machine of any speed.
	maxRequests = 20_000

	// maxWait bounds one request: its load takes no longer than the store's
	// default Timeout, nor does its update, and there may be a few of these
	// when others write the same session; and the machine is slow.
	maxWait = 10 * time.Second
)

// newHandler returns the application: POST /add counts the visitor, POST /leave
// logs him out, and both tell whether he is a stranger in spite of a cookie; GET
// / tells his count, or that he is a stranger.
func newHandler(t *testing.T, st session.Store, key session.Key, observe func(context.Context, session.Event)) http.Handler {
	t.Helper()
	m, err := session.NewManager(st, session.Config[state]{
		Keys:     []session.Key{key},
		Observer: observe,
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add", func(w http.ResponseWriter, r *http.Request) {
		visit := session.From[state](r.Context())
		stranger := visit.IsNew() && r.Header.Get("Cookie") != ""
		visit.Update(func(s *state) { s.N++ })
		fmt.Fprint(w, stranger)
	})
	mux.HandleFunc("POST /leave", func(w http.ResponseWriter, r *http.Request) {
		session.From[state](r.Context()).Destroy()
		fmt.Fprint(w, false)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		visit := session.From[state](r.Context())
		if visit.IsNew() {
			fmt.Fprint(w, true)
			return
		}
		fmt.Fprint(w, visit.State().N)
	})
	return m.Wrap(mux)
}

// newSite starts a site and creates its sessions.
func newSite(t *testing.T, st *rueidis.Store) *site {
	t.Helper()
	s := &site{t: t}
	created := make(chan session.ID, 1)
	s.server = httptest.NewServer(newHandler(t, st, session.NewKey(), func(_ context.Context, e session.Event) {
		switch e.Kind {
		case session.EventConflict:
			s.conflicts.Add(1)
		case session.EventCreated:
			select {
			case created <- e.ID:
			default: // somebody who has logged out and goes on
			}
		}
	}))
	t.Cleanup(s.server.Close)
	s.server.Client().Timeout = maxWait
	s.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = workers

	for range sessions {
		v := new(visitor)
		status, _, cookie := s.request(v, "POST", "/add")
		if status != http.StatusOK || cookie == "" {
			t.Fatalf("a visitor's first request: status %d, cookie %q", status, cookie)
		}
		v.id, v.cookie = <-created, cookie
		v.acked.Add(1)
		s.visitors = append(s.visitors, v)
	}
	return s
}

// request sends one request of a visitor.
func (s *site) request(v *visitor, method, path string) (status int, body, cookie string) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, nil)
	if err != nil {
		s.t.Error(err)
		return 0, "", ""
	}
	if v.cookie != "" {
		req.Header.Set("Cookie", v.cookie)
	}
	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Errorf("%s %s: no answer: %v", method, path, err)
		return 0, "", ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
	}
	if set := resp.Cookies(); len(set) > 0 && set[0].MaxAge >= 0 {
		cookie = set[0].Name + "=" + set[0].Value
	}
	return resp.StatusCode, string(text), cookie
}

// add counts a visitor, and keeps what the answer says about the count. An
// answer says that it was counted, or 503; that the visitor is a stranger only
// if he has logged out.
func (s *site) add(v *visitor) {
	wasEnded := v.ended.Load()
	status, body, _ := s.request(v, "POST", "/add")
	switch {
	case status == http.StatusServiceUnavailable:
		v.unknown.Add(1)
		v.mu.Lock()
		v.failed, v.restored = time.Now(), time.Time{}
		v.mu.Unlock()
		return
	case status != http.StatusOK:
		s.t.Errorf("add: status %d, %q", status, body)
	case wasEnded && body == "false":
		s.t.Error("add: a session that was logged out is back")
	case !v.leaving.Load() && body == "true":
		s.t.Error("add: the visitor was taken for a stranger")
	case body == "false":
		v.acked.Add(1)
	}
	v.mu.Lock()
	if !v.failed.IsZero() && v.restored.IsZero() {
		v.restored = time.Now()
	}
	v.mu.Unlock()
}

// leave logs a visitor out, trying until that is answered with success.
func (s *site) leave(v *visitor) {
	v.leaving.Store(true)
	for {
		switch status, body, _ := s.request(v, "POST", "/leave"); status {
		case http.StatusOK:
			v.ended.Store(true)
			return
		case http.StatusServiceUnavailable:
			time.Sleep(10 * time.Millisecond)
		default:
			s.t.Errorf("leave: status %d, %q", status, body)
			return
		}
	}
}

// under has all workers add to visitors at random while fault runs, and for a
// while before and after. Some visitors leave at the height of it. Then it
// compares the counters with what the visitors were told.
func (s *site) under(fault func()) {
	s.t.Helper()
	var requests atomic.Int64
	var slowest atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for requests.Add(1) <= maxRequests {
				select {
				case <-stop:
					return
				default:
				}
				began := time.Now()
				s.add(s.visitors[rand.IntN(sessions)])
				took := int64(time.Since(began))
				for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); old = slowest.Load() {
				}
			}
		})
	}
	for _, v := range s.visitors[:leavers] {
		wg.Go(func() {
			time.Sleep(300 * time.Millisecond)
			s.leave(v)
		})
	}
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	fault()
	healed := time.Now()
	time.Sleep(300 * time.Millisecond)
	close(stop)
	wg.Wait()
	s.settle(began, healed, time.Duration(slowest.Load()))
}

// settle waits until every session answers, and compares its counter with what
// its visitor was told.
func (s *site) settle(began, healed time.Time, slowest time.Duration) {
	s.t.Helper()
	var acked, unknown, extra, down int64
	var outages []time.Duration
	for i, v := range s.visitors {
		n, ok := s.count(v)
		if !ok {
			s.t.Errorf("session %d does not come back", i)
			continue
		}
		acked += v.acked.Load()
		unknown += v.unknown.Load()
		if !v.failed.IsZero() {
			down++
			if v.restored.IsZero() {
				v.restored = time.Now()
			}
			outages = append(outages, v.restored.Sub(began))
		}
		if v.ended.Load() {
			if n >= 0 {
				s.t.Errorf("session %d was logged out and is back", i)
			}
			continue
		}
		switch {
		case n < 0:
			s.t.Errorf("session %d is gone", i)
		case n < v.acked.Load():
			s.t.Errorf("session %d counted %d, but %d additions were answered with success", i, n, v.acked.Load())
		case n > v.acked.Load()+v.unknown.Load():
			s.t.Errorf("session %d counted %d, but there were %d successes and %d unknown outcomes",
				i, n, v.acked.Load(), v.unknown.Load())
		default:
			extra += n - v.acked.Load()
		}
	}
	if slowest > maxWait {
		s.t.Errorf("a request took %v", slowest)
	}
	slices.Sort(outages)
	recovery := time.Duration(0)
	if len(outages) > 0 {
		recovery = outages[len(outages)-1]
	}
	s.t.Logf("%d successes, %d unknown outcomes (%d of them were made), %d conflicts resolved, "+
		"%d of %d sessions saw a 503, fault lasted %d ms, all well %d ms after it began, slowest request %d ms",
		acked, unknown, extra, s.conflicts.Load(), down, sessions, healed.Sub(began).Milliseconds(),
		recovery.Milliseconds(), slowest.Milliseconds())
}

// count returns a session's counter, -1 if there is no such session, and
// whether it was answered at all.
func (s *site) count(v *visitor) (int64, bool) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		status, body, _ := s.request(v, "GET", "/")
		switch {
		case status == http.StatusServiceUnavailable:
		case body == "true":
			return -1, true
		default:
			n, err := strconv.ParseInt(body, 10, 64)
			if status != http.StatusOK || err != nil {
				s.t.Errorf("count: status %d, %q", status, body)
				return 0, false
			}
			return n, true
		}
	}
	return 0, false
}
