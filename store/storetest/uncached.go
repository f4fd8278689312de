package storetest

import "github.com/typedsession/typedsession/store"

// uncachedCases apply to a store that is a [store.UncachedLoader]. What another
// process has written is for the store's own tests.
var uncachedCases = []testCase{
	{"uncached: after updates", func(t *trial) {
		rec := newRecord()
		t.create(rec)
		for range 10 {
			t.load(rec.ID) // fills a cache
			next := nextWrite(rec)
			t.update(rec.Rev, next)
			rec = next
			got, err := t.loadUncached(rec.ID)
			if err != nil {
				t.broke(ruleLoadUncached, "LoadUncached after Update: %v", err)
			}
			if diff := diff(rec, got); diff != "" {
				t.broke(ruleLoadUncached, "LoadUncached after Update: %s", diff)
			}
		}
	}},
	{"uncached: after a delete", func(t *trial) {
		rec := newRecord()
		t.create(rec)
		t.load(rec.ID) // fills a cache
		deleted := t.delete(rec.ID)
		_, err := t.loadUncached(rec.ID)
		t.wantDeleted(ruleLoadUncached, "LoadUncached after Delete", err, deleted)
	}},
	{"uncached: no record and an expired record", func(t *trial) {
		_, err := t.loadUncached(store.NewID())
		t.wantError(ruleLoadUncached, "LoadUncached of no record", err, store.ErrNotFound)
		rec := expiringRecord()
		t.create(rec)
		sleepUntil(rec.Expires)
		_, err = t.loadUncached(rec.ID)
		t.wantError(ruleLoadUncached, "LoadUncached of an expired record", err, store.ErrNotFound)
	}},
}

func (t *trial) loadUncached(id store.ID) (store.Record, error) {
	return t.store.(store.UncachedLoader).LoadUncached(t.Context(), id)
}
