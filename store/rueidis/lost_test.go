package rueidis_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/redis/rueidis"

	"github.com/typedsession/typedsession/internal/redistest"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/rueidis"
)

// TestLostAnswer loses a request on its way to the server, or the answer on its
// way back, and has another process write or delete the session before the
// write is repeated. What the write says must be what became of it.
func TestLostAnswer(t *testing.T) {
	tests := []struct {
		name    string
		request bool // lost, rather than the answer
		others  int  // writes of another process in between
		deleted bool // by another process, after these
		write   string
		want    error
		made    bool // the payload is in the record
	}{
		{name: "create", write: "create", made: true},
		{name: "create that was not made", request: true, write: "create", made: true},
		{name: "create, then written upon", others: 2, write: "create"},
		{name: "create, then deleted", deleted: true, write: "create", want: store.ErrExists},
		{name: "update", write: "update", made: true},
		{name: "update that was not made", request: true, write: "update", made: true},
		{name: "update, then written upon", others: 1, write: "update"},
		{name: "update, then written upon many times", others: 32, write: "update"},
		{name: "update, then written upon too often to tell", others: 33, write: "update", want: errUnknown},
		{name: "update that was overtaken", request: true, others: 1, write: "update", want: store.ErrConflict},
		{name: "update that was overtaken many times", request: true, others: 32, write: "update", want: store.ErrConflict},
		{name: "update that was overtaken too often to tell", request: true, others: 33, write: "update", want: errUnknown},
		{name: "update, then deleted", deleted: true, write: "update", want: store.ErrNotFound},
		{name: "update that came after a delete", request: true, deleted: true, write: "update", want: store.ErrNotFound},
		{name: "delete", write: "delete"},
		{name: "delete that was not made", request: true, write: "delete"},
		{name: "delete, then deleted", deleted: true, write: "delete"},
	}
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		server := p.Start(t)
		proxy := redistest.NewProxy(t, server.Addr)
		// One connection, so that it is the next to be used.
		st := newStore(t, client.ClientOption{
			InitAddress:       []string{proxy.Addr},
			PipelineMultiplex: -1,
		}, rueidis.Options{})
		other := open(t, "redis://"+server.Addr, rueidis.Options{})
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				ctx := t.Context()
				rec := newRecord()
				written := next(rec)
				written.Payload = []byte("written")
				if test.write != "create" {
					if err := other.Create(ctx, rec); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := st.Load(ctx, newRecord().ID); !errors.Is(err, store.ErrNotFound) {
					t.Fatalf("the connection before the test: %v", err)
				}

				interfere := func() { interfere(t, other, rec.ID, test.others, test.deleted) }
				if test.request {
					proxy.LoseRequest(interfere)
				} else {
					proxy.LoseAnswer(interfere)
				}
				var err error
				switch test.write {
				case "create":
					err = st.Create(ctx, written)
				case "update":
					err = st.Update(ctx, rec.Rev, written)
				case "delete":
					err = st.Delete(ctx, rec.ID)
				}
				wantOutcome(t, err, test.want)

				got, err := other.Load(ctx, rec.ID)
				if gone := test.deleted || test.write == "delete"; gone != errors.Is(err, store.ErrNotFound) {
					t.Errorf("Load afterwards: %v", err)
				}
				if test.made && !bytes.Equal(got.Payload, written.Payload) {
					t.Errorf("payload %q, want %q", got.Payload, written.Payload)
				}
			})
		}
	})
}

// errUnknown stands for the error of a write that may have been made.
var errUnknown = errors.New("the change was made or it was not")

// wantOutcome compares the error of a write with the one that is wanted.
func wantOutcome(t *testing.T, err, want error) {
	t.Helper()
	switch {
	case want == errUnknown:
		if err == nil || isContract(err) || !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("error %v, want one of no kind that says %q", err, want)
		}
	case !errors.Is(err, want):
		t.Errorf("error %v, want %v", err, want)
	}
}

// interfere writes a session a number of times as another process, and then
// deletes it if that is asked for.
func interfere(t *testing.T, other *rueidis.Store, id store.ID, writes int, deletes bool) {
	for range writes {
		rec, err := other.Load(t.Context(), id)
		if err != nil {
			t.Error(err)
			return
		}
		if err := other.Update(t.Context(), rec.Rev, next(rec)); err != nil {
			t.Error(err)
		}
	}
	if deletes {
		if err := other.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

// isContract reports whether an error says what became of the record.
func isContract(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) ||
		errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrTooLarge) ||
		errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrRevoked)
}

// TestHotSessionUnderCuts has many writers on few sessions, so that several
// others have written before a lost write is repeated, while every connection
// is cut again and again. Each increment must be counted once if it succeeded
// and at most once if the outcome is unknown.
func TestHotSessionUnderCuts(t *testing.T) {
	const (
		writers    = 16
		increments = 25 // each
		hot        = 4  // sessions
	)
	redistest.Each(t, func(t *testing.T, p redistest.Program) {
		server := p.Start(t)
		proxy := redistest.NewProxy(t, server.Addr)
		st := open(t, "redis://"+proxy.Addr, rueidis.Options{})
		direct := open(t, "redis://"+server.Addr, rueidis.Options{})

		var acked, unknown [hot]atomic.Int64
		var ids [hot]store.ID
		for i := range ids {
			rec := newCounter()
			ids[i] = rec.ID
			if err := direct.Create(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
		}
		stop := proxy.CutEvery(5 * time.Millisecond)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range increments {
					i := rand.IntN(hot)
					switch _, err := increment(t.Context(), st, ids[i]); {
					case err == nil:
						acked[i].Add(1)
					case isContract(err):
						t.Errorf("increment: %v", err)
					default:
						unknown[i].Add(1)
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d connections cut", stop())
		for i, id := range ids {
			rec, err := direct.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			n := int64(binary.BigEndian.Uint64(rec.Payload))
			t.Logf("session %d: counted %d, %d successes, %d unknown outcomes", i, n, acked[i].Load(), unknown[i].Load())
			if n < acked[i].Load() || n > acked[i].Load()+unknown[i].Load() {
				t.Errorf("session %d lost or doubled an increment", i)
			}
		}
	})
}
