package storetest

import "github.com/typedsession/typedsession/store"

// createCases are about IDs that are in use.
var createCases = []testCase{
	{"create of an ID in use", createInUse},
	{"create repeated", createRepeated},
	{"create repeated after an update", createRepeatedLate},
	{"records with similar IDs", similarIDs},
}

func createInUse(t *trial) {
	rec := newRecord()
	t.create(rec)
	err := t.store.Create(t.Context(), nextWrite(rec))
	t.wantError(ruleCreateExists, "Create of an ID in use", err, store.ErrExists)
	t.wantRecord(ruleCreateExists, rec)
}

func createRepeated(t *trial) {
	rec := newRecord()
	t.create(rec)
	if err := t.store.Create(t.Context(), rec); err != nil {
		t.broke(ruleCreateRepeated, "Create repeated with the same Rev: %v", err)
	}
	t.wantRecord(ruleCreateRepeated, rec)
}

// createRepeatedLate repeats a Create after an Update, as a network that delays
// a packet does.
func createRepeatedLate(t *trial) {
	rec := newRecord()
	t.create(rec)
	next := nextWrite(rec)
	t.update(rec.Rev, next)
	err := t.store.Create(t.Context(), rec)
	t.wantError(ruleCreateExists, "Create repeated after an Update", err, store.ErrExists)
	t.wantRecord(ruleCreateExists, next)
}

// similarIDs stores records whose IDs differ in one bit. A store that shortens
// IDs, or compares them as text of any case, confuses them.
func similarIDs(t *trial) {
	first := newRecord()
	recs := []store.Record{first}
	for i := range first.ID {
		rec := nextWrite(first)
		rec.ID[i] ^= 1 << (i % 8)
		recs = append(recs, rec)
	}
	for _, rec := range recs {
		if err := t.store.Create(t.Context(), rec); err != nil {
			t.broke(ruleCreate, "Create of ID %v beside %v: %v", rec.ID, first.ID, err)
		}
	}
	// Change one and delete another: the rest stays as it is.
	changed := nextWrite(recs[1])
	t.update(recs[1].Rev, changed)
	recs[1] = changed
	t.delete(recs[2].ID)
	t.wantGone(ruleDelete, recs[2].ID)
	for _, rec := range append(recs[:2:2], recs[3:]...) {
		t.wantRecord(ruleLoad, rec)
	}
}
