package storetest

import (
	"errors"

	"github.com/typedsession/typedsession/store"
)

// deleteCases are about tombstones.
var deleteCases = []testCase{
	{"load of no record", loadNoRecord},
	{"load after delete", loadAfterDelete},
	{"update after delete", updateAfterDelete},
	{"create after delete", createAfterDelete},
	{"create repeated after delete", createRepeatedAfterDelete},
	{"delete twice", deleteTwice},
	{"delete of no record", deleteNoRecord},
	{"delete of an expired record", deleteExpired},
	{"a tombstone outlasts the expiry of its record", tombstoneOutlastsExpiry},
}

func loadNoRecord(t *trial) {
	id := store.NewID()
	t.wantGone(ruleLoadNotFound, id)
	_, err := t.store.Load(t.Context(), id)
	var gone *store.DeletedError
	if errors.As(err, &gone) {
		t.broke(ruleLoadDeleted, "Load of a record that was never created: a *store.DeletedError")
	}
}

func loadAfterDelete(t *trial) {
	rec := newRecord()
	t.create(rec)
	t.load(rec.ID) // fills a cache
	t.wantTombstone(rec.ID, t.delete(rec.ID))
}

// updateAfterDelete is a request that was running when its user logged out.
func updateAfterDelete(t *trial) {
	rec := newRecord()
	t.create(rec)
	deleted := t.delete(rec.ID)
	next := nextWrite(rec)
	for _, base := range []store.Rev{rec.Rev, store.NewRev(), next.Rev} {
		err := t.store.Update(t.Context(), base, next)
		t.wantDeleted(ruleUpdateDeleted, "Update after Delete", err, deleted)
	}
	t.wantTombstone(rec.ID, deleted)
}

func createAfterDelete(t *trial) {
	rec := newRecord()
	t.create(rec)
	deleted := t.delete(rec.ID)
	err := t.store.Create(t.Context(), nextWrite(rec))
	t.wantError(ruleCreateDeleted, "Create after Delete", err, store.ErrExists)
	t.wantTombstone(rec.ID, deleted)
}

// createRepeatedAfterDelete is a Create whose packet arrives a second time after
// the session has ended.
func createRepeatedAfterDelete(t *trial) {
	rec := newRecord()
	t.create(rec)
	deleted := t.delete(rec.ID)
	err := t.store.Create(t.Context(), rec)
	t.wantError(ruleCreateDeleted, "Create repeated after Delete", err, store.ErrExists)
	t.wantTombstone(rec.ID, deleted)
}

// deleteTwice accepts the time of either deletion.
func deleteTwice(t *trial) {
	rec := newRecord()
	t.create(rec)
	first := t.delete(rec.ID)
	if err := t.store.Delete(t.Context(), rec.ID); err != nil {
		t.broke(ruleDeleteNoRecord, "Delete repeated: %v", err)
	}
	t.wantTombstone(rec.ID, span{first.from, after(0)})
}

// deleteNoRecord deletes a record whose Create has not arrived yet.
func deleteNoRecord(t *trial) {
	rec := newRecord()
	from := after(0)
	if err := t.store.Delete(t.Context(), rec.ID); err != nil {
		t.broke(ruleDeleteNoRecord, "Delete of an ID that was never created: %v", err)
	}
	deleted := span{from, after(0)}
	err := t.store.Create(t.Context(), rec)
	t.wantError(ruleTombstone, "Create after Delete", err, store.ErrExists)
	err = t.store.Update(t.Context(), store.NewRev(), rec)
	t.wantDeleted(ruleTombstone, "Update after Delete", err, deleted)
	t.wantTombstone(rec.ID, deleted)
}

func deleteExpired(t *trial) {
	rec := expiringRecord()
	t.create(rec)
	sleepUntil(rec.Expires)
	deleted := t.delete(rec.ID)
	rec.Expires = after(blink * 1000)
	err := t.store.Create(t.Context(), rec)
	t.wantError(ruleTombstone, "Create after Delete", err, store.ErrExists)
	t.wantTombstone(rec.ID, deleted)
}

func tombstoneOutlastsExpiry(t *trial) {
	rec := expiringRecord()
	t.create(rec)
	deleted := t.delete(rec.ID)
	sleepUntil(rec.Expires)
	t.wantTombstone(rec.ID, deleted)
}
