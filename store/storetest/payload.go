package storetest

import (
	"bytes"

	"github.com/typedsession/typedsession/store"
)

// payloadCases check that a store does not change a payload that it was given
// and does not change one that it has returned.
var payloadCases = []testCase{
	{"the payload given to Create", payloadGivenToCreate},
	{"the payload given to Update", payloadGivenToUpdate},
	{"the payload that Load returned", payloadLoaded},
	{"the payload that a conflict returned", payloadOfConflict},
}

// guarded gives a record a payload with room behind it, and returns a function
// that checks both.
func (t *trial) guarded(rec *store.Record) (check func()) {
	const room = 64
	buffer := append(bytes.Clone(rec.Payload), bytes.Repeat([]byte("#"), room)...)
	original := bytes.Clone(buffer)
	rec.Payload = buffer[:len(buffer)-room]
	return func() {
		t.Helper()
		if !bytes.Equal(buffer, original) {
			t.broke(rulePayload, "the store has changed a payload that it was given, or the memory behind it")
		}
	}
}

// churned is the byte of which the payloads consist that churn writes.
var churned = []byte("-")

// churn writes other payloads to the session of a record, so that a store that
// uses a buffer again does so.
func (t *trial) churn(rec store.Record) {
	t.Helper()
	for range 3 {
		next := nextWrite(rec)
		next.Payload = bytes.Repeat(churned, len(rec.Payload))
		t.update(rec.Rev, next)
		t.load(rec.ID)
		rec = next
	}
	t.delete(rec.ID)
}

func payloadGivenToCreate(t *trial) {
	rec := newRecord()
	check := t.guarded(&rec)
	t.create(rec)
	t.churn(rec)
	check()
}

func payloadGivenToUpdate(t *trial) {
	rec := newRecord()
	t.create(rec)
	next := nextWrite(rec)
	check := t.guarded(&next)
	t.update(rec.Rev, next)
	t.churn(next)
	check()
}

func payloadLoaded(t *trial) {
	rec := newRecord()
	t.create(rec)
	got := t.load(rec.ID)
	original := bytes.Clone(got.Payload)
	t.churn(rec)
	if !bytes.Equal(got.Payload, original) {
		t.broke(rulePayload, "the store has changed a payload that Load had returned")
	}
}

func payloadOfConflict(t *trial) {
	rec := newRecord()
	t.create(rec)
	got := t.wantConflict(t.store.Update(t.Context(), store.NewRev(), nextWrite(rec)), rec)
	original := bytes.Clone(got.Payload)
	t.churn(rec)
	if !bytes.Equal(got.Payload, original) {
		t.broke(rulePayload, "the store has changed a payload that a ConflictError had returned")
	}
}
