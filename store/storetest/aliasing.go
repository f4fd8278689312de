package storetest

import "github.com/typedsession/typedsession/session"

var aliasingCases = []testCase{
	{"the payload given to Create is changed later", aliasCreate},
	{"the payload given to Update is changed later", aliasUpdate},
	{"the payload got from Load is changed", aliasLoad},
}

// scribbled returns a copy of a record and then overwrites the record's own
// payload, as a caller does that uses a buffer again.
func scribbled(rec session.Record) session.Record {
	clean := rec
	clean.Payload = append([]byte(nil), rec.Payload...)
	for i := range rec.Payload {
		rec.Payload[i] ^= 0xff
	}
	return clean
}

func aliasCreate(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	t.wantRecord(ruleCopy, ref, scribbled(rec))
}

func aliasUpdate(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	next := nextWrite(rec)
	ref = t.update(ref, rec.Rev, next)
	t.wantRecord(ruleCopy, ref, scribbled(next))
}

func aliasLoad(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	scribbled(t.load(ref))
	t.wantRecord(ruleCopy, ref, rec)
	// What comes after the payload's end is not to be the store's either.
	got := t.load(ref)
	_ = append(got.Payload, "more"...)
	scribbled(got)
	t.wantRecord(ruleCopy, ref, rec)
}

// aliasConflict is among updateCases: a store without revisions knows no
// conflict.
func aliasConflict(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	_, err := t.store.Update(t.Context(), ref, newRev(), nextWrite(rec))
	scribbled(t.wantConflict(err, rec))
	t.wantRecord(ruleCopy, ref, rec)
}
