package storetest

import (
	"fmt"

	"github.com/typedsession/typedsession/session"
)

// updateCases are about the condition of an update.
var updateCases = []testCase{
	{"update of an older revision", updateStale},
	{"update of a revision that differs in one bit", updateNearRevision},
	{"update of the record that a conflict returned", updateAfterConflict},
	{"the payload got from a conflict is changed", aliasConflict},
	{"update repeated", updateRepeated},
	{"update repeated after another one", updateRepeatedLate},
	{"update of no record", updateMissing},
}

// updateReplaces changes a record twice, so that the second update has the ref
// and the revision of the first. An empty field is no less a new one.
func updateReplaces(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	next := nextWrite(rec)
	ref = t.update(ref, rec.Rev, next)
	t.wantRecord(ruleUpdate, ref, next)
	last := nextWrite(rec)
	last.Subject, last.Payload = "", nil
	ref = t.update(ref, next.Rev, last)
	t.wantRecord(ruleUpdate, ref, last)
}

func updateStale(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	current := nextWrite(rec)
	t.update(ref, rec.Rev, current)
	_, err := t.store.Update(t.Context(), ref, rec.Rev, nextWrite(rec))
	t.wantConflict(err, current)
	t.wantRecord(ruleConflict, ref, current)
}

// updateNearRevision catches a store that compares revisions as floating-point
// numbers, as Lua and JSON do, or in fewer bits.
func updateNearRevision(t *trial) {
	rec := newRecord()
	rec.Rev |= 1 << 63
	ref := t.create(rec)
	for bit := range 64 {
		base := rec.Rev ^ 1<<bit
		what := fmt.Sprintf("Update of revision %016x when %016x is current", uint64(base), uint64(rec.Rev))
		_, err := t.store.Update(t.Context(), ref, base, nextWrite(rec))
		t.wantError(ruleConflict, what, err, session.ErrConflict)
	}
}

// updateAfterConflict does what a Manager does with a conflict.
func updateAfterConflict(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	_, err := t.store.Update(t.Context(), ref, newRev(), nextWrite(rec))
	current := t.wantConflict(err, rec)
	next := nextWrite(current)
	t.update(ref, current.Rev, next)
	t.wantRecord(ruleUpdate, ref, next)
}

func updateRepeated(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	next := nextWrite(rec)
	newRef := t.update(ref, rec.Rev, next)
	again, err := t.store.Update(t.Context(), ref, rec.Rev, next)
	if err != nil {
		t.broke(ruleUpdateRepeat, "Update repeated with the same Rev: %v", err)
	}
	if again != newRef {
		t.broke(ruleUpdateRepeat, "Update repeated with the same Rev returned ref %q, not %q again", again, newRef)
	}
	t.wantRecord(ruleUpdateRepeat, ref, next)
}

// updateRepeatedLate repeats an update after another one: it is stale by now,
// and must not bring its record back.
func updateRepeatedLate(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	second := nextWrite(rec)
	t.update(ref, rec.Rev, second)
	third := nextWrite(second)
	t.update(ref, second.Rev, third)
	_, err := t.store.Update(t.Context(), ref, rec.Rev, second)
	t.wantConflict(err, third)
	t.wantRecord(ruleConflict, ref, third)
}

func updateMissing(t *trial) {
	rec := newRecord()
	ref := rec.ID.String()
	for _, base := range []session.Rev{newRev(), 0, rec.Rev} {
		_, err := t.store.Update(t.Context(), ref, base, rec)
		t.wantError(ruleUpdateMissing, "Update of a record that was never created", err, session.ErrNotFound)
	}
	t.wantGone(ruleUpdateMissing, ref)
}
