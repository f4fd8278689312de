package storetest

import (
	"github.com/typedsession/typedsession/session"
)

// createCases are about IDs that are in use.
var createCases = []testCase{
	{"the ref is the ID", refIsID},
	{"create of an ID in use", createInUse},
	{"create repeated", createRepeated},
	{"create repeated after an update", createRepeatedLate},
	{"records under similar IDs", similarIDs},
}

func refIsID(t *trial) {
	rec := newRecord()
	if ref := t.create(rec); ref != rec.ID.String() {
		t.broke(ruleRef, "Create returned ref %q for ID %v", ref, rec.ID)
	}
	next := nextWrite(rec)
	if ref := t.update(rec.ID.String(), rec.Rev, next); ref != rec.ID.String() {
		t.broke(ruleRef, "Update returned ref %q for ID %v", ref, rec.ID)
	}
}

func createInUse(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	_, err := t.store.Create(t.Context(), nextWrite(rec))
	t.wantError(ruleCreateInUse, "Create of an ID in use", err, session.ErrExists)
	t.wantRecord(ruleCreateInUse, ref, rec)
}

func createRepeated(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	again, err := t.store.Create(t.Context(), rec)
	if err != nil {
		t.broke(ruleCreateRepeat, "Create repeated with the same Rev: %v", err)
	}
	if again != ref {
		t.broke(ruleCreateRepeat, "Create repeated with the same Rev returned ref %q, not %q again", again, ref)
	}
	t.wantRecord(ruleCreateRepeat, ref, rec)
}

// createRepeatedLate repeats a Create after the record has moved on, as a
// network that holds a packet back does.
func createRepeatedLate(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	next := nextWrite(rec)
	t.update(ref, rec.Rev, next)
	_, err := t.store.Create(t.Context(), rec)
	t.wantError(ruleCreateInUse, "Create repeated after an Update", err, session.ErrExists)
	t.wantRecord(ruleCreateInUse, ref, next)
}

// similarIDs stores records whose IDs differ in one bit. A store that shortens
// IDs, or compares them as text of any case, takes them for one.
func similarIDs(t *trial) {
	first := newRecord()
	recs := []session.Record{first}
	for i := range first.ID {
		rec := nextWrite(first)
		rec.ID[i] ^= 1 << (i % 8)
		recs = append(recs, rec)
	}
	for _, rec := range recs {
		if _, err := t.store.Create(t.Context(), rec); err != nil {
			t.broke(ruleCreate, "Create of ID %v beside %v: %v", rec.ID, first.ID, err)
		}
	}
	// Change one and remove another: the rest stay as they are.
	changed := nextWrite(recs[1])
	t.update(recs[1].ID.String(), recs[1].Rev, changed)
	t.delete(recs[2].ID.String())
	for i, rec := range recs {
		switch i {
		case 1:
			t.wantRecord(ruleLoad, rec.ID.String(), changed)
		case 2:
			t.wantGone(ruleDelete, rec.ID.String())
		default:
			t.wantRecord(ruleLoad, rec.ID.String(), rec)
		}
	}
}
