package storetest

import (
	"errors"
	"fmt"

	"github.com/typedsession/typedsession/store"
)

var updateCases = []testCase{
	{"an update replaces every field", updateReplaces},
	{"update of an older revision", updateStale},
	{"update of a revision that differs in one bit", updateNearRevision},
	{"update of the record that a conflict returned", updateAfterConflict},
	{"update repeated", updateRepeated},
	{"update repeated after another one", updateRepeatedLate},
	{"update of no record", updateNoRecord},
}

// updateReplaces updates twice. An empty field replaces another as well.
func updateReplaces(t *trial) {
	rec := newRecord()
	t.create(rec)
	next := nextWrite(rec)
	t.update(rec.Rev, next)
	t.wantRecord(ruleUpdate, next)
	last := nextWrite(rec)
	last.Subject, last.Payload = "", nil
	t.update(next.Rev, last)
	t.wantRecord(ruleUpdate, last)
}

func updateStale(t *trial) {
	rec := newRecord()
	t.create(rec)
	current := nextWrite(rec)
	t.update(rec.Rev, current)
	t.wantConflict(t.store.Update(t.Context(), rec.Rev, nextWrite(rec)), current)
	t.wantRecord(ruleUpdateConflict, current)
}

// updateNearRevision finds a store that compares revisions as floating-point
// numbers, as Lua and JSON do, or in fewer bits.
func updateNearRevision(t *trial) {
	rec := newRecord()
	rec.Rev |= 1<<63 | 1<<62
	t.create(rec)
	for bit := range 64 {
		base := rec.Rev ^ 1<<bit
		what := fmt.Sprintf("Update of revision %016x while %016x is stored", uint64(base), uint64(rec.Rev))
		err := t.store.Update(t.Context(), base, nextWrite(rec))
		t.wantError(ruleUpdateConflict, what, err, store.ErrConflict)
	}
}

// updateAfterConflict does what a session manager does after a conflict.
func updateAfterConflict(t *trial) {
	rec := newRecord()
	t.create(rec)
	current := t.wantConflict(t.store.Update(t.Context(), store.NewRev(), nextWrite(rec)), rec)
	next := nextWrite(current)
	t.update(current.Rev, next)
	t.wantRecord(ruleUpdate, next)
}

func updateRepeated(t *trial) {
	rec := newRecord()
	t.create(rec)
	next := nextWrite(rec)
	t.update(rec.Rev, next)
	if err := t.store.Update(t.Context(), rec.Rev, next); err != nil {
		t.broke(ruleUpdateRepeated, "Update repeated with the same Rev: %v", err)
	}
	t.wantRecord(ruleUpdateRepeated, next)
}

// updateRepeatedLate repeats an update after another one. The repeated update
// may succeed, but it must not bring its record back.
func updateRepeatedLate(t *trial) {
	rec := newRecord()
	t.create(rec)
	second := nextWrite(rec)
	t.update(rec.Rev, second)
	third := nextWrite(second)
	t.update(second.Rev, third)
	if err := t.store.Update(t.Context(), rec.Rev, second); err != nil {
		if !errors.Is(err, store.ErrConflict) {
			t.broke(ruleUpdateReplaced, "Update repeated after another one: error %q, want none or a conflict", err)
		}
		t.wantConflict(err, third)
	}
	t.wantRecord(ruleUpdateReplaced, third)
}

func updateNoRecord(t *trial) {
	rec := newRecord()
	for _, base := range []store.Rev{store.NewRev(), rec.Rev} {
		err := t.store.Update(t.Context(), base, rec)
		t.wantError(ruleUpdateNotFound, "Update of a record that was never created", err, store.ErrNotFound)
		var gone *store.DeletedError
		if errors.As(err, &gone) {
			t.broke(ruleUpdateDeleted, "Update of a record that was never created: a *store.DeletedError")
		}
	}
	t.wantGone(ruleUpdateNotFound, rec.ID)
}
