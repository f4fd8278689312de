package session_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/typedsession/typedsession/session"
	"github.com/typedsession/typedsession/store"
	"github.com/typedsession/typedsession/store/cookie"
)

// sealed is an option.
func sealed(c *session.Config[state]) { c.SealRecords = true }

// keys returns an option: newest first.
func keys(k ...session.Key) func(*session.Config[state]) {
	return func(c *session.Config[state]) { c.Keys = k }
}

// record returns the record of the browser's session.
func (g *harness) record(t testing.TB) store.Record {
	t.Helper()
	rec, err := g.store.Store.Load(context.Background(), g.anotherTab().id())
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// as returns a harness with the same cookies, store and events, and another manager.
func (g *harness) as(t testing.TB, options ...func(*session.Config[state])) *harness {
	t.Helper()
	as := g.anotherTab()
	as.m = newManager(t, g.store, append(options, func(c *session.Config[state]) { c.Observer = g.log.observe })...)
	return as
}

func TestSealedRecordsTellNothing(t *testing.T) {
	secret := "a note that only the client should read"
	for _, seal := range []bool{false, true} {
		g := newHarness(t, func(c *session.Config[state]) { c.SealRecords = seal })
		g.update(note(secret))
		if readable := bytes.Contains(g.record(t).Payload, []byte(secret)); readable == seal {
			t.Errorf("SealRecords %v: readable in the store: %v", seal, readable)
		}
		if got := g.state().Note; got != secret {
			t.Errorf("SealRecords %v: note %q", seal, got)
		}
	}
}

// Whoever can write to the store can destroy sessions, but not make one say what
// it has not said.
func TestSealedRecordsCannotBeForged(t *testing.T) {
	key := session.NewKey()
	tests := []struct {
		name  string
		forge func(t *testing.T, g *harness, rec *store.Record)
	}{
		{"the subject", func(_ *testing.T, _ *harness, rec *store.Record) { rec.Subject = "admin" }},
		{"no subject", func(_ *testing.T, _ *harness, rec *store.Record) { rec.Subject = "" }},
		{"another session's payload", func(t *testing.T, g *harness, rec *store.Record) {
			admin := &harness{newBrowser(t, nil), g.m, g.store, g.log}
			admin.update(setUser("admin"))
			rec.Payload = admin.record(t).Payload
		}},
		{"another session's payload and subject", func(t *testing.T, g *harness, rec *store.Record) {
			admin := &harness{newBrowser(t, nil), g.m, g.store, g.log}
			admin.update(setUser("admin"))
			planted := admin.record(t)
			rec.Payload, rec.Subject = planted.Payload, planted.Subject
		}},
		{"a plain payload", func(t *testing.T, g *harness, rec *store.Record) {
			plain := newHarness(t, keys(key))
			plain.update(setUser("alice"))
			rec.Payload = plain.record(t).Payload
		}},
		{"a payload sealed under another key", func(t *testing.T, g *harness, rec *store.Record) {
			other := newHarness(t, sealed)
			other.update(setUser("alice"))
			rec.Payload = other.record(t).Payload
		}},
		{"no payload", func(_ *testing.T, _ *harness, rec *store.Record) { rec.Payload = nil }},
		{"nothing but the version", func(_ *testing.T, _ *harness, rec *store.Record) { rec.Payload = rec.Payload[:1] }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newHarness(t, sealed, keys(key))
			g.update(setUser("alice"))
			g.tamper(t, func(rec *store.Record) { test.forge(t, g, rec) })
			g.log.kinds()
			var found state
			g.use(func(s *session.Session[state]) { found = s.State() })
			g.log.want(t, "rejected:undecodable")
			if diff := cmp.Diff(state{}, found); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSealedRecordWithAnyBitFlipped(t *testing.T) {
	g := newHarness(t, sealed)
	g.update(setUser("alice"))
	ctx, sound := t.Context(), g.record(t)
	base := sound.Rev
	write := func(payload []byte) {
		rec := sound
		rec.Rev, rec.Payload = base+1, payload
		if err := g.store.Store.Update(ctx, base, rec); err != nil {
			t.Fatal(err)
		}
		base++
	}
	for i := range sound.Payload {
		flipped := bytes.Clone(sound.Payload)
		flipped[i] ^= 1 << (i % 8)
		write(flipped)
		if got := g.anotherTab().state(); got.User != "" {
			t.Errorf("byte %d: state %+v", i, got)
		}
	}
	write(sound.Payload)
	if got := g.anotherTab().state(); got.User != "alice" {
		t.Errorf("whole again: state %+v", got)
	}
}

// What sealing cannot keep anybody from: putting back what the same session has
// said before. Its expiry is in what is sealed.
func TestSealedRecordRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHarness(t, sealed)
		g.update(func(s *state) { s.User, s.Note = "alice", "coupon" })
		earlier := g.record(t)
		g.update(func(s *state) { s.Note = "" })
		g.tamper(t, func(rec *store.Record) {
			rec.Payload, rec.Expires = earlier.Payload, rec.Expires.Add(1000*time.Hour)
		})
		if got := g.anotherTab().state().Note; got != "coupon" {
			t.Errorf("note %q; if this can be prevented now, say so in the documentation", got)
		}
		time.Sleep(time.Hour)
		if got := g.anotherTab().state(); got.User != "" {
			t.Errorf("an expiry changed in the store was believed: %+v", got)
		}
	})
}

// Turning it on ends the sessions that are there, and off those that came since:
// there is no way back to a plain payload that an attacker could take.
func TestSealRecordsToggled(t *testing.T) {
	key := session.NewKey()
	for _, first := range []bool{false, true} {
		seal := func(on bool) func(*session.Config[state]) {
			return func(c *session.Config[state]) { c.Keys, c.SealRecords = []session.Key{key}, on }
		}
		g := newHarness(t, seal(first))
		g.update(setUser("alice"))
		toggled := g.as(t, seal(!first))
		if got := toggled.anotherTab().state(); got.User != "" {
			t.Errorf("SealRecords was %v, is %v: state %+v", first, !first, got)
		}
		if got := g.as(t, seal(first)).state(); got.User != "alice" {
			t.Errorf("SealRecords was %v, and is again: state %+v", first, got)
		}
		toggled.update(count)
		if got := toggled.state(); got.User != "" || got.Count != 1 {
			t.Errorf("SealRecords was %v, is %v: new state %+v", first, !first, got)
		}
	}
}

func TestSealRecordsClientHeld(t *testing.T) {
	m, b := newManager(t, cookie.New(), sealed), newBrowser(t, nil)
	b.do(m, login)
	b.do(m, increment)
	if got := b.read(m); got.User != "alice" || got.Count != 1 {
		t.Errorf("state %+v", got)
	}
}

// TestKeyRotation replaces a key as Config.Keys says: in front, and later the
// old one dropped. A session that was used in between goes on, also with sealed
// records. Any other ends.
func TestKeyRotation(t *testing.T) {
	for _, seal := range []bool{false, true} {
		older, newer := session.NewKey(), session.NewKey()
		with := func(k ...session.Key) func(*session.Config[state]) {
			return func(c *session.Config[state]) { c.Keys, c.SealRecords = k, seal }
		}
		g := newHarness(t, with(older))
		g.update(setUser("alice"))
		id := g.id()
		absent := g.as(t, with(newer))

		both := g.as(t, with(newer, older))
		response := both.use(func(s *session.Session[state]) {
			if s.State().User != "alice" {
				t.Errorf("sealed %v: state %+v under two keys", seal, s.State())
			}
		})
		if cookieChange(response) != "set" || both.token() == g.token() {
			t.Errorf("sealed %v: cookie %q, changed %v", seal, cookieChange(response), both.token() != g.token())
		}
		if response := both.use(func(*session.Session[state]) {}); cookieChange(response) != "" {
			t.Errorf("sealed %v: sealed once more: cookie %q", seal, cookieChange(response))
		}
		after := both.as(t, with(newer))
		if got := after.id(); got != id || after.state().User != "alice" {
			t.Errorf("sealed %v: the old key was dropped: same ID %v, state %+v", seal, got == id, after.state())
		}

		g.log.kinds()
		response = absent.update(setUser("bob"))
		g.log.want(t, "rejected:unauthentic", "created")
		if cookieChange(response) != "set" || absent.id() == id {
			t.Errorf("sealed %v: who was absent: cookie %q, same ID %v", seal, cookieChange(response), absent.id() == id)
		}
	}
}

// A key that is new on one server already, and not yet on another, is no reason
// to end anybody's session: the old one comes first until all have both.
func TestKeyRotationInTwoSteps(t *testing.T) {
	older, newer := session.NewKey(), session.NewKey()
	first := newHarness(t, keys(older))
	first.update(setUser("alice"))
	second := first.as(t, keys(older, newer))
	third := second.as(t, keys(newer, older))
	third.update(count)
	second.cookies = third.cookies
	if got := second.state(); got.User != "alice" || got.Count != 1 {
		t.Errorf("a server that has the new key in second place: %+v", got)
	}
}

// Sealing a token again is not use: with a new key, no session lasts longer than
// it would have.
func TestKeyRotationExtendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		older, newer := session.NewKey(), session.NewKey()
		g := newHarness(t, keys(older))
		g.update(setUser("alice"))
		expires := time.Now().Add(time.Hour)
		time.Sleep(50 * time.Minute)
		both := g.as(t, keys(newer, older), func(c *session.Config[state]) { c.Extend = session.ExtendOnChange })
		if response := both.use(func(*session.Session[state]) {}); cookieChange(response) != "set" {
			t.Errorf("cookie %q", cookieChange(response))
		}
		both.use(func(s *session.Session[state]) {
			if !s.ExpiresAt().Equal(expires) {
				t.Errorf("it expires %v later", s.ExpiresAt().Sub(expires))
			}
		})
	})
}
