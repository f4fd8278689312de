package sessiontest

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"reflect"
	"testing"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/session"
)

// DetectMutation returns a handler that serves next and fails t when next has
// changed the state in place: a map, or what a slice or a pointer leads to, that
// [session.Session.State] returned. Such a change is not saved, or is saved by
// accident and lost when another request gets in between. Put it between
// [session.Manager.Wrap] and the application. It loads the session of every
// request, and works with stores that hold records, and with a T that
// [codec.MsgPack] carries, only.
func DetectMutation[T any](t testing.TB, m *session.Manager[T], next http.Handler) http.Handler {
	t.Helper()
	d := &detector[T]{t: t, m: m, codec: codec.MsgPack[T]()}
	if _, err := d.codec.Append(nil, new(T)); err != nil {
		t.Fatalf("sessiontest: DetectMutation: %v", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check := func() { d.check(r) }
		next.ServeHTTP(&checkedWriter{ResponseWriter: w, check: check}, r)
		check()
	})
}

type detector[T any] struct {
	t     testing.TB
	m     *session.Manager[T]
	codec codec.Codec[T]
}

// errStop ends a transaction that is only there to look.
var errStop = errors.New("sessiontest: stop")

// check compares the state that the handler has in its hands with the one that
// its updates make of what is stored: a transaction, in short.
func (d *detector[T]) check(r *http.Request) {
	d.t.Helper()
	s := d.m.From(r.Context())
	if s.Err() != nil || s.Status() == session.StatusDestroyed {
		return
	}
	got := d.copy(s.State())
	var want T
	err := s.Transact(r.Context(), func(state *T) error {
		want = d.copy(*state)
		return errStop
	})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		d.t.Errorf("sessiontest: DetectMutation: %v", err)
	case errors.Is(err, errStop) && !reflect.DeepEqual(got, want):
		d.t.Errorf("sessiontest: %s %s changed the session's state in place; use Update", r.Method, r.URL.Path)
	}
}

// copy returns a state that shares nothing with another one, and looks as if it
// had been stored. Encoded they cannot be compared: a map is written in any order.
func (d *detector[T]) copy(state T) (copied T) {
	d.t.Helper()
	encoded, err := d.codec.Append(nil, &state)
	if err == nil {
		err = d.codec.Decode(encoded, &copied)
	}
	if err != nil {
		d.t.Errorf("sessiontest: DetectMutation: %v", err)
	}
	return copied
}

// checkedWriter checks before the session is committed, since the commit makes
// the stored state and the one in hand alike.
type checkedWriter struct {
	http.ResponseWriter
	check func()
}

func (w *checkedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *checkedWriter) WriteHeader(code int) {
	w.check()
	w.ResponseWriter.WriteHeader(code)
}

func (w *checkedWriter) Write(b []byte) (int, error) {
	w.check()
	return w.ResponseWriter.Write(b)
}

func (w *checkedWriter) FlushError() error {
	w.check()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *checkedWriter) Flush() { _ = w.FlushError() }

func (w *checkedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.check()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
