package storetest

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/typedsession/typedsession/session"
)

// roundTripCases store a record that is unusual in one field and load it.
var roundTripCases = []testCase{
	roundTrip("a payload of every byte value", func(rec *session.Record) {
		rec.Payload = make([]byte, 256)
		for i := range rec.Payload {
			rec.Payload[i] = byte(i)
		}
	}),
	roundTrip("an empty payload", func(rec *session.Record) { rec.Payload = nil }),
	roundTrip("a payload that ends in spaces and zeros", func(rec *session.Record) {
		rec.Payload = []byte("\x00 payload \r\n \x00\x00")
	}),
	roundTrip("an empty subject", func(rec *session.Record) { rec.Subject = "" }),
	roundTrip("a subject beyond ASCII", func(rec *session.Record) {
		// Characters of each length in UTF-8, one that must not be
		// composed, and what databases and URLs give a meaning to.
		rec.Subject = "Zoë ∮ 𝒮 e\u0301 " + `%41%00 +?*[a]{b}:'"\`
	}),
	roundTrip("a subject that is no text", func(rec *session.Record) {
		rec.Subject = "\x00\xff" + rec.Subject + "\xed\xa0\x80\x00"
	}),
	roundTrip("a subject that is long", func(rec *session.Record) {
		rec.Subject = strings.Repeat("subject ", 40) + " "
	}),
	roundTrip("a revision of all ones", func(rec *session.Record) { rec.Rev = ^session.Rev(0) }),
	roundTrip("a revision of zero", func(rec *session.Record) { rec.Rev = 0 }),
	// Milliseconds in 31 bits end after 25 days; cookies live for 400.
	roundTrip("an expiry far ahead", func(rec *session.Record) {
		rec.Expires = rec.Expires.Add(500 * 24 * time.Hour)
	}),
	roundTrip("an expiry of odd milliseconds", func(rec *session.Record) {
		rec.Expires = rec.Expires.Add(987 * time.Millisecond)
	}),
	{"a payload of 64 KiB", largePayload},
}

// roundTrip returns a case for an ordinary record that change makes unusual.
func roundTrip(name string, change func(*session.Record)) testCase {
	return testCase{"round trip of " + name, func(t *trial) {
		rec := newRecord()
		change(&rec)
		t.wantRecord(ruleLoad, t.create(rec), rec)
	}}
}

// largePayload is its own case because a store may have a limit, if it says so.
func largePayload(t *trial) {
	rec := newRecord()
	rec.Payload = bytes.Repeat(rec.Payload[:16], 64<<10/16)
	ref, err := t.store.Create(t.Context(), rec)
	switch {
	case errors.Is(err, session.ErrTooLarge) && t.holdsRevisions():
		t.wantGone(ruleAnyRef, rec.ID.String())
	case errors.Is(err, session.ErrTooLarge):
	case err != nil:
		t.broke(ruleCreate, "Create with a payload of 64 KiB: %v", err)
	default:
		t.wantRecord(ruleLoad, ref, rec)
	}
}
