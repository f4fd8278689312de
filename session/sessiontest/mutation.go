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

// DetectMutation returns a handler that serves next and fails t if next changes
// the state in place: a map, or what a slice or a pointer of the state that
// [session.Session.State] returned leads to. Such a change is not saved, or is
// saved by accident with another change and lost if a concurrent request writes.
// Put it between [session.Manager.Wrap] and the application.
//
// It loads the session of every request, and reads it from the store again at each
// write of the response. It fails t if the client holds the sessions, and at once
// if [codec.MsgPack] does not carry a T.
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

// check compares the state that the handler sees with what its updates make of
// the stored state, which a transaction that is not saved tells.
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

// copy returns a copy of a state that shares no memory with it, as if it had been
// stored. Encoded states are not compared, because equal states of a type that
// encodes itself may have unequal bytes.
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

// checkedWriter checks before the session is committed. After the commit the
// stored state and the one that the handler sees are alike.
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
