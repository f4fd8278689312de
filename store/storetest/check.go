package storetest

import (
	"errors"
	"time"

	"github.com/typedsession/typedsession/store"
)

// span is the time that an operation took.
type span struct{ from, to time.Time }

// create stores a new record, which must succeed.
func (t *trial) create(rec store.Record) {
	t.Helper()
	if err := t.store.Create(t.Context(), rec); err != nil {
		t.broke(ruleCreate, "Create of a new ID: %v", err)
	}
}

// update replaces a record, which must succeed.
func (t *trial) update(base store.Rev, rec store.Record) {
	t.Helper()
	if err := t.store.Update(t.Context(), base, rec); err != nil {
		t.broke(ruleUpdate, "Update of the stored revision: %v", err)
	}
}

// delete deletes a record, which must succeed.
func (t *trial) delete(id store.ID) span {
	t.Helper()
	from := time.Now()
	if err := t.store.Delete(t.Context(), id); err != nil {
		t.broke(ruleDelete, "Delete: %v", err)
	}
	return span{from, time.Now()}
}

// load returns a record that must be there.
func (t *trial) load(id store.ID) store.Record {
	t.Helper()
	rec, err := t.store.Load(t.Context(), id)
	if err != nil {
		t.broke(ruleLoad, "Load: %v", err)
	}
	return rec
}

// wantRecord checks that the store has this record.
func (t *trial) wantRecord(r rule, want store.Record) {
	t.Helper()
	got, err := t.store.Load(t.Context(), want.ID)
	if err != nil {
		t.broke(r, "Load: %v", err)
	}
	if diff := diff(want, got); diff != "" {
		t.broke(r, "Load: %s", diff)
	}
}

// wantGone checks that the store does not find a record.
func (t *trial) wantGone(r rule, id store.ID) {
	t.Helper()
	rec, err := t.store.Load(t.Context(), id)
	if err == nil {
		t.broke(r, "Load found %v with revision %016x, want ErrNotFound", rec.ID, uint64(rec.Rev))
	}
	t.wantError(r, "Load", err, store.ErrNotFound)
}

// wantTombstone checks that the store has a tombstone from a deletion.
func (t *trial) wantTombstone(id store.ID, deleted span) {
	t.Helper()
	t.wantGone(ruleDelete, id)
	_, err := t.store.Load(t.Context(), id)
	t.wantDeleted(ruleLoadDeleted, "Load", err, deleted)
}

// wantDeleted checks that an operation returned a DeletedError with the time of
// the deletion, to the millisecond.
func (t *trial) wantDeleted(r rule, what string, err error, deleted span) {
	t.Helper()
	t.wantError(r, what, err, store.ErrNotFound)
	var gone *store.DeletedError
	if !errors.As(err, &gone) {
		t.broke(r, "%s: error %q (%T), want a *store.DeletedError", what, err, err)
	}
	if gone.At.Before(deleted.from.Add(-time.Millisecond)) || gone.At.After(deleted.to.Add(time.Millisecond)) {
		t.broke(r, "%s: DeletedError.At is %v, but the record was deleted between %v and %v", what, gone.At, deleted.from, deleted.to)
	}
}

// wantError checks that an operation failed with this error.
func (t *trial) wantError(r rule, what string, err, want error) {
	t.Helper()
	if err == nil {
		t.broke(r, "%s succeeded, want: %v", what, want)
	}
	if !errors.Is(err, want) {
		t.broke(r, "%s: error %q, want one that is: %v", what, err, want)
	}
}

// wantConflict checks that an update failed with a ConflictError that has the
// stored record, and returns that.
func (t *trial) wantConflict(err error, stored store.Record) store.Record {
	t.Helper()
	t.wantError(ruleUpdateConflict, "Update of a revision that is not stored", err, store.ErrConflict)
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) {
		t.broke(ruleUpdateConflict, "Update: %T, want a *store.ConflictError", err)
	}
	if diff := diff(stored, conflict.Current); diff != "" {
		t.broke(ruleUpdateConflict, "ConflictError.Current: %s", diff)
	}
	return conflict.Current
}
