package attacks_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/store"
)

// patience is how long a test waits for what happens at once.
const patience = 30 * time.Second

// await waits for a channel to be closed.
func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: still waiting", what)
	}
}

// TestClientThatReadsNothing asks for a long answer and does not take it. Its
// session was saved before the answer began, and nobody waits for it, other
// requests of the same session included.
func TestClientThatReadsNothing(t *testing.T) {
	eachHolding(t, func(t *testing.T, st store.Store) {
		begun, over := make(chan struct{}), make(chan struct{})
		mux := pages()
		mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
			defer close(over)
			current(r).Update(func(s *state) { s.Note += "long" })
			chunk := make([]byte, 1<<20)
			if _, err := w.Write(chunk); err != nil {
				t.Error(err)
			}
			close(begun)
			for range 256 { // far more than the buffers of a connection
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
			t.Error("somebody has read all of it")
		})
		s := serve(t, newManager(t, st), mux)
		b := s.login(t, "alice")
		conn := s.dial(t)
		if _, err := io.WriteString(conn, "GET /long HTTP/1.1\r\nHost: a\r\nCookie: "+cookieName+"="+b.token()+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		await(t, "the beginning", begun)

		for range 20 {
			b.get(t, "/count")
		}
		b.get(t, "/renew")
		want := state{User: "alice", Note: "long", Count: 20}
		if diff := cmp.Diff(want, b.get(t, "/read").state(t)); diff != "" {
			t.Errorf("beside it (-want +got):\n%s", diff)
		}
		select {
		case <-over:
			t.Error("the long answer is over, so that nobody could have waited for it")
		default:
		}
		conn.Close()
		await(t, "the end", over)
	})
}

// TestClientThatHangsUp sends a request and is gone, with a reset, when the
// handler has found its session and has not done anything with it yet. What the
// request asked for is done all the same: a logout is not lost because somebody
// pulls the plug.
func TestClientThatHangsUp(t *testing.T) {
	eachHolding(t, func(t *testing.T, st store.Store) {
		for _, path := range []string{"/note?text=x", "/logout", "/renew"} {
			arrived, over := make(chan struct{}), make(chan struct{})
			inner := pages()
			mux := http.NewServeMux()
			mux.Handle("/", inner)
			mux.HandleFunc("/late/", func(w http.ResponseWriter, r *http.Request) {
				_ = current(r).State()
				close(arrived)
				<-r.Context().Done()
				http.StripPrefix("/late", inner).ServeHTTP(w, r)
				_, _ = w.Write(make([]byte, 1<<20)) // nobody is there
				close(over)
			})
			s := serve(t, newManager(t, st), mux)
			b := s.login(t, "alice")
			conn := s.dial(t)
			if _, err := io.WriteString(conn, "GET /late"+path+" HTTP/1.1\r\nHost: a\r\nCookie: "+cookieName+"="+b.token()+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			await(t, path+" arrives", arrived)
			if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			await(t, path+" is over", over)
			// A renewal alone is not made: the client would not learn the secret.
			want := map[string]state{"/note?text=x": {User: "alice", Note: "x"}, "/renew": {User: "alice"}}[path]
			if diff := cmp.Diff(want, b.ask(t, "/read", cookieName+"="+b.token()).state(t)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	})
}

// TestRequestThatNeverEnds keeps requests of one session in their handlers, for
// as long as an attacker can keep them there with a body that does not come. The
// session is nobody's to hold: others read, write and end it.
func TestRequestThatNeverEnds(t *testing.T) {
	eachHolding(t, func(t *testing.T, st store.Store) {
		arrived := make(chan struct{})
		mux := pages()
		mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
			current(r).Update(func(s *state) { s.Note = "uploaded" })
			arrived <- struct{}{}
			_, _ = io.Copy(io.Discard, r.Body)
		})
		s := serve(t, newManager(t, st), mux)
		b := s.login(t, "alice")
		const uploads = 20
		for range uploads {
			conn := s.dial(t)
			if _, err := io.WriteString(conn, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nCookie: "+
				cookieName+"="+b.token()+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			<-arrived
		}
		for range 10 {
			b.get(t, "/count")
		}
		if got := b.get(t, "/read").state(t); got.Count != 10 || got.Note != "" {
			t.Errorf("state %+v", got)
		}
		b.get(t, "/logout")
		if got := b.get(t, "/read").state(t); got != (state{}) {
			t.Errorf("after the logout: %+v", got)
		}
	})
}
