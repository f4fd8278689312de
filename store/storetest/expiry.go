package storetest

import (
	"errors"
	"time"

	"github.com/typedsession/typedsession/store"
)

// blink is how long a record lives whose expiry a case waits for. A store that
// needs longer for an operation passes nevertheless.
const blink = 50 * time.Millisecond

var expiryCases = []testCase{
	{"load of an expired record", loadExpired},
	{"load of a record created expired", createExpired},
	{"update of an expired record", updateExpired},
	{"an update makes a record expire earlier", updateShortens},
	{"an update makes a record expire later", updateLengthens},
}

// expiringRecord returns a record that lives for a blink.
func expiringRecord() store.Record {
	rec := newRecord()
	rec.Expires = after(blink)
	return rec
}

func loadExpired(t *trial) {
	rec := expiringRecord()
	t.create(rec)
	sleepUntil(rec.Expires)
	t.wantGone(ruleStoreExpired, rec.ID)
}

// createExpired is a Create that arrives late. It may fail or succeed.
func createExpired(t *trial) {
	rec := newRecord()
	rec.Expires = after(-time.Hour)
	_ = t.store.Create(t.Context(), rec)
	t.wantGone(ruleStoreExpired, rec.ID)
}

// updateExpired also asks with a base that is not stored: an expired record is
// no cause of a conflict.
func updateExpired(t *trial) {
	rec := expiringRecord()
	t.create(rec)
	sleepUntil(rec.Expires)
	for _, base := range []store.Rev{rec.Rev, store.NewRev()} {
		err := t.store.Update(t.Context(), base, nextWrite(rec))
		t.wantError(ruleUpdateNotFound, "Update of an expired record", err, store.ErrNotFound)
	}
	t.wantGone(ruleUpdateNotFound, rec.ID)
}

func updateShortens(t *trial) {
	rec := newRecord()
	t.create(rec)
	next := nextWrite(rec)
	next.Expires = after(blink)
	t.update(rec.Rev, next)
	sleepUntil(next.Expires)
	t.wantGone(ruleStoreExpired, rec.ID)
}

func updateLengthens(t *trial) {
	first, next := t.extended(newRecord(), nextWrite)
	sleepUntil(first.Expires)
	t.wantRecord(ruleUpdate, next)
}

// extended stores a record that expires soon and updates it before that. If the
// machine is too slow for that, it tries again with a record that lives longer.
func (t *trial) extended(rec store.Record, next func(store.Record) store.Record) (first, second store.Record) {
	t.Helper()
	for life := blink; ; life *= 4 {
		first = rec
		first.ID, first.Expires = store.NewID(), after(life)
		if !first.IndexUntil.IsZero() {
			first.IndexUntil = first.Expires
		}
		t.create(first)
		second = next(first)
		err := t.store.Update(t.Context(), first.Rev, second)
		late := !time.Now().Before(first.Expires)
		if errors.Is(err, store.ErrNotFound) && late && life < time.Minute {
			continue
		}
		if err != nil {
			t.broke(ruleUpdate, "Update before the record expires: %v", err)
		}
		return first, second
	}
}
