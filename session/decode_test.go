package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/codec"
	"github.com/typedsession/typedsession/internal/payload"
	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// tamper replaces the record of the browser's session in the store, as an
// attacker who can write there would.
func (g *harness) tamper(t testing.TB, change func(*store.Record)) {
	t.Helper()
	ctx, id := context.Background(), g.anotherTab().id()
	rec, err := g.store.Store.Load(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	base := rec.Rev
	rec.Rev++
	change(&rec)
	if err := g.store.Store.Update(ctx, base, rec); err != nil {
		t.Fatal(err)
	}
}

// payload is a change of a record.
func payloadOf(p ...byte) func(*store.Record) {
	return func(rec *store.Record) { rec.Payload = p }
}

// failingCodec is a codec that cannot decode some states, and panics at others.
type failingCodec struct{ codec.Codec[state] }

func (c failingCodec) Decode(data []byte, s *state) error {
	if err := c.Codec.Decode(data, s); err != nil {
		return err
	}
	switch s.Note {
	case "error":
		s.User = "half decoded"
		return errors.New("cannot decode that")
	case "panic":
		s.User = "half decoded"
		panic("cannot decode that")
	}
	return nil
}

func (c failingCodec) Append(dst []byte, s *state) ([]byte, error) {
	switch {
	case s.Count == 99:
		return nil, errors.New("cannot encode that")
	case s.Count == 100:
		panic("cannot encode that")
	}
	return c.Codec.Append(dst, s)
}

func withFailingCodec(c *session.Config[state]) { c.Codec = failingCodec{codec.MsgPack[state]()} }

// What cannot be decoded may be of a newer version of the program, which is about
// to be rolled back: it must still be there when that one comes back.
func TestUndecodableRecord(t *testing.T) {
	set := func(text string) func(*testing.T, *harness) {
		return func(_ *testing.T, g *harness) { g.update(func(s *state) { s.Note = text }) }
	}
	tampered := func(change func(*store.Record)) func(*testing.T, *harness) {
		return func(t *testing.T, g *harness) { g.tamper(t, change) }
	}
	tests := []struct {
		name  string
		spoil func(*testing.T, *harness)
	}{
		{"an empty payload", tampered(payloadOf())},
		{"a payload of zeros", tampered(payloadOf(make([]byte, 100)...))},
		{"a newer version", tampered(func(rec *store.Record) { rec.Payload[0] = 200 })},
		{"unknown flags", tampered(func(rec *store.Record) { rec.Payload[1] |= 0x80 })},
		{"a payload cut short", tampered(func(rec *store.Record) { rec.Payload = rec.Payload[:len(rec.Payload)-1] })},
		{"a payload cut in its header", tampered(func(rec *store.Record) { rec.Payload = rec.Payload[:10] })},
		{"a payload with more behind it", tampered(func(rec *store.Record) { rec.Payload = append(rec.Payload, 0) })},
		{"the state of another codec", tampered(func(rec *store.Record) {
			_, state, err := payload.Format{}.Open(rec.Payload, rec.ID, rec.Subject)
			if err != nil {
				t.Fatal(err)
			}
			copy(rec.Payload[len(rec.Payload)-len(state):], []byte{250})
		})},
		{"a codec that fails", set("error")},
		{"a codec that panics", set("panic")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t, withFailingCodec)
			g.update(setUser("alice"))
			id := g.id()
			test.spoil(t, g)
			record := func() store.Record {
				rec, err := g.store.Store.Load(t.Context(), id)
				if err != nil {
					t.Fatalf("the record is gone: %v", err)
				}
				return rec
			}
			before := record()
			old := g.anotherTab()
			g.log.kinds()

			response := g.use(func(s *session.Session[state]) {
				if diff := cmp.Diff(state{}, s.State()); diff != "" || !s.IsNew() || s.Err() != nil {
					t.Errorf("new %v, %v, state (-want +got):\n%s", s.IsNew(), s.Err(), diff)
				}
			})
			g.log.want(t, "rejected:undecodable")
			if response.StatusCode != http.StatusOK || cookieChange(response) != "" {
				t.Errorf("reading it: status %d, cookie %q", response.StatusCode, cookieChange(response))
			}

			response = g.update(count)
			g.log.want(t, "rejected:undecodable", "created")
			if cookieChange(response) != "set" || g.id() == id {
				t.Errorf("writing: cookie %q, same ID %v", cookieChange(response), g.id() == id)
			}
			if diff := cmp.Diff(state{Count: 1}, g.state()); diff != "" {
				t.Errorf("the new session (-want +got):\n%s", diff)
			}

			response = old.use((*session.Session[state]).Destroy)
			if cookieChange(response) != "expired" {
				t.Errorf("destroying: cookie %q", cookieChange(response))
			}
			if diff := cmp.Diff(before, record()); diff != "" {
				t.Errorf("the record was touched (-want +got):\n%s", diff)
			}
		})
	}
}

// The record can also become unreadable under a request.
func TestUndecodableUnderTheRequest(t *testing.T) {
	g := newHarness(t, withFailingCodec)
	g.update(setUser("alice"))
	response := g.use(func(s *session.Session[state]) {
		s.Update(count)
		g.anotherTab().update(func(s *state) { s.Note = "panic" })
		g.log.kinds()
	})
	g.log.want(t, "conflict", "rejected:undecodable", "failed")
	if cookieChange(response) != "" || response.StatusCode != http.StatusConflict {
		t.Errorf("status %d, cookie %q, want 409 and none", response.StatusCode, cookieChange(response))
	}
}

func TestStateThatCannotBeEncoded(t *testing.T) {
	for name, n := range map[string]int{"an error": 99, "a panic": 100} {
		t.Run(name, func(t *testing.T) {
			g := newHarness(t, withFailingCodec)
			g.update(setUser("alice"))
			g.log.kinds()
			response := g.update(func(s *state) { s.Count = n })
			g.log.want(t, "loaded", "failed")
			if response.StatusCode != http.StatusInternalServerError {
				t.Errorf("status %d", response.StatusCode)
			}
			err := g.transact(func(s *state) error { s.Count = n; return nil })
			if err == nil || errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Transact: %v", err)
			}
			if diff := cmp.Diff(state{User: "alice"}, g.state()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// A codec that is another one than before is not misled by what is there.
func TestCodecWasReplaced(t *testing.T) {
	key := session.NewKey()
	g := newHarness(t, func(c *session.Config[state]) { c.Keys = []session.Key{key} })
	g.update(setUser("alice"))
	was := g.m
	g.m = newManager(t, g.store, func(c *session.Config[state]) {
		c.Keys, c.Codec, c.Observer = []session.Key{key}, codec.JSON[state](), g.log.observe
	})
	g.log.kinds()
	old := g.anotherTab()
	g.update(setUser("bob"))
	g.log.want(t, "rejected:undecodable", "created")
	old.m = was
	if got := old.state().User; got != "alice" {
		t.Errorf("after the roll-back the session is %q's, want alice's", got)
	}
}

// What the client holds cannot be left as it is: but it is not believed either.
func TestUndecodableClientHeld(t *testing.T) {
	m, b := newManager(t, cookie.New(), withFailingCodec), newBrowser(t, nil)
	b.do(m, func(_ http.ResponseWriter, r *http.Request) {
		from(r).Update(func(s *state) { s.User, s.Note = "alice", "panic" })
	})
	if got := b.read(m); got.User != "" {
		t.Errorf("state %+v", got)
	}
	if response := b.do(m, increment); cookieChange(response) != "set" {
		t.Errorf("cookie %q", cookieChange(response))
	}
	if got := b.read(m); got.Count != 1 || got.User != "" {
		t.Errorf("state %+v", got)
	}
}

// What a codec panics with may hold the state, which is no business of a log.
func TestCodecPanicIsNotQuoted(t *testing.T) {
	g := newHarness(t, withFailingCodec)
	g.update(note("panic"))
	g.log.kinds()
	g.use(func(*session.Session[state]) {})
	for _, e := range g.log.list {
		if e.Err == nil || strings.Contains(e.Err.Error(), "cannot decode that") || !strings.Contains(e.Err.Error(), "panicked: string") {
			t.Errorf("the error of event %q is %v", e.Kind, e.Err)
		}
	}
	g.log.want(t, "rejected:undecodable")
}
