package storetest

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/typedsession/typedsession/store"
)

// roundTripCases store a record that is unusual in one field and load it. They
// apply to client-held stores too, which encode and decode it.
var roundTripCases = []testCase{
	roundTrip("a payload of every byte value", func(rec *store.Record) {
		rec.Payload = make([]byte, 256)
		for i := range rec.Payload {
			rec.Payload[i] = byte(i)
		}
	}),
	roundTrip("an empty payload", func(rec *store.Record) { rec.Payload = nil }),
	roundTrip("a payload that ends in spaces and zeros", func(rec *store.Record) {
		rec.Payload = []byte("\x00 payload \r\n \x00\x00")
	}),
	roundTrip("an empty subject", func(rec *store.Record) { rec.Subject = "" }),
	roundTrip("a subject beyond ASCII", func(rec *store.Record) {
		// Characters of each length in UTF-8, one that must not be composed,
		// and what has a meaning in databases and URLs.
		rec.Subject = "Zoë ∮ 𝒮 e\u0301 " + `%41%00 +?*[a]{b}:'"\`
	}),
	roundTrip("a subject that is not text", func(rec *store.Record) {
		rec.Subject = "\x00\xff" + rec.Subject + "\xed\xa0\x80\x00"
	}),
	roundTrip("a long subject", func(rec *store.Record) {
		rec.Subject = strings.Repeat("subject ", 40) + " "
	}),
	roundTrip("a revision of all ones", func(rec *store.Record) { rec.Rev = ^store.Rev(0) }),
	// A number of milliseconds in 31 bits ends after 25 days; a cookie can last
	// for 400.
	roundTrip("an expiry far ahead", func(rec *store.Record) {
		rec.Expires = rec.Expires.Add(500 * 24 * time.Hour)
	}),
	roundTrip("an expiry of odd milliseconds", func(rec *store.Record) {
		rec.Expires = rec.Expires.Add(987 * time.Millisecond)
	}),
	{"round trip of a login", loginFieldsNotKept},
	{"a payload of 64 KiB", largePayload},
}

// roundTrip returns a case for an ordinary record that change makes unusual.
func roundTrip(name string, change func(*store.Record)) testCase {
	return testCase{"round trip of " + name, func(t *trial) {
		rec := newRecord()
		change(&rec)
		t.putWanted(rec)
	}}
}

// putWanted stores a record and checks that it is the record which is loaded. It
// returns what is loaded.
func (t *trial) putWanted(rec store.Record) store.Record {
	t.Helper()
	load, err := t.put(rec)
	if err != nil {
		t.broke(t.rulePut(), "storing a record: %v", err)
	}
	got, err := load()
	if err != nil {
		t.broke(t.ruleGet(), "loading the record: %v", err)
	}
	if diff := diff(rec, got); diff != "" {
		t.broke(t.ruleGet(), "loading the record: %s", diff)
	}
	return got
}

// put stores a record in a store of either kind and returns a function that
// loads it.
func (t *trial) put(rec store.Record) (load func() (store.Record, error), err error) {
	held, ok := t.store.(store.ClientHeld)
	if !ok {
		load = func() (store.Record, error) { return t.store.Load(t.Context(), rec.ID) }
		return load, t.store.Create(t.Context(), rec)
	}
	text, err := held.Encode(rec)
	return func() (store.Record, error) {
		got, err := held.Decode(text)
		if got.Rev == 0 { // Encode may leave it out
			got.Rev = rec.Rev
		}
		return got, err
	}, err
}

func (t *trial) rulePut() rule {
	if t.isClientHeld() {
		return ruleEncode
	}
	return ruleCreate
}

func (t *trial) ruleGet() rule {
	if t.isClientHeld() {
		return ruleDecode
	}
	return ruleLoad
}

func (t *trial) isClientHeld() bool {
	_, ok := t.store.(store.ClientHeld)
	return ok
}

func loginFieldsNotKept(t *trial) {
	got := t.putWanted(newLogin(newSubject()))
	if !got.LoginSince.IsZero() {
		t.broke(ruleLoginSince, "the loaded record has LoginSince %v", got.LoginSince)
	}
	if !got.IndexUntil.IsZero() {
		t.broke(ruleNotKept, "the loaded record has IndexUntil %v", got.IndexUntil)
	}
}

// largePayload is not one of the round trips because a store may have a limit.
func largePayload(t *trial) {
	rec := newRecord()
	rec.Payload = bytes.Repeat(rec.Payload[:16], 64<<10/16)
	_, err := t.put(rec)
	switch {
	case !errors.Is(err, store.ErrTooLarge):
		t.putWanted(rec) // a Create of the same revision, repeated
	case !t.isClientHeld():
		t.wantGone(ruleCreateTooLarge, rec.ID)
	}
}
