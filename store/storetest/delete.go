package storetest

import (
	"github.com/typedsession/typedsession/session"
)

// deleteCases are about what is left of a record that was deleted: nothing.
var deleteCases = []testCase{
	{"load after delete", loadAfterDelete},
	{"update after delete", updateAfterDelete},
	{"create after delete", createAfterDelete},
	{"create repeated after delete", createRepeatedAfterDelete},
	{"delete twice", deleteTwice},
	{"delete of no record", deleteAbsent},
}

func loadAfterDelete(t *trial) {
	ref := t.create(newRecord())
	t.load(ref) // whoever caches must forget
	t.delete(ref)
	t.wantGone(ruleDelete, ref)
}

// updateAfterDelete is the request that was under way when its user logged out.
func updateAfterDelete(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	t.delete(ref)
	next := nextWrite(rec)
	for _, base := range []session.Rev{rec.Rev, newRev(), 0, next.Rev} {
		_, err := t.store.Update(t.Context(), ref, base, next)
		t.wantError(ruleDelete, "Update after Delete", err, session.ErrNotFound)
	}
	t.wantGone(ruleUpdateMissing, ref)
}

func createAfterDelete(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	t.delete(ref)
	for _, rev := range []session.Rev{newRev(), 0} {
		next := nextWrite(rec)
		next.Rev = rev
		_, err := t.store.Create(t.Context(), next)
		t.wantError(ruleCreateInUse, "Create of an ID just deleted", err, session.ErrExists)
	}
	t.wantGone(ruleCreateInUse, ref)
}

// createRepeatedAfterDelete is a Create whose packet arrives a second time when
// the session has ended already.
func createRepeatedAfterDelete(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	t.delete(ref)
	_, err := t.store.Create(t.Context(), rec)
	t.wantError(ruleCreateInUse, "Create repeated after Delete", err, session.ErrExists)
	t.wantGone(ruleCreateInUse, ref)
}

func deleteTwice(t *trial) {
	ref := t.create(newRecord())
	t.delete(ref)
	if err := t.store.Delete(t.Context(), ref); err != nil {
		t.broke(ruleDeleteAbsent, "Delete repeated: %v", err)
	}
	t.wantGone(ruleDelete, ref)
}

func deleteAbsent(t *trial) {
	if err := t.store.Delete(t.Context(), newID().String()); err != nil {
		t.broke(ruleDeleteAbsent, "Delete of an ID that was never created: %v", err)
	}
}
