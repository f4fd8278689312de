package storetest

import (
	"errors"
	"time"

	"github.com/typedsession/typedsession/session"
)

// blink is how long a record lives whose end a case waits for. A store that
// needs longer for an operation passes all the same.
const blink = 50 * time.Millisecond

var expiryCases = []testCase{
	{"load of an expired record", loadExpired},
	{"load of a record created expired", createExpired},
	{"update of an expired record", updateExpired},
	{"an update brings the expiry forward", updateShortens},
	{"an update puts the expiry off", updateLengthens},
}

// expiringRecord returns a record that lives for a blink.
func expiringRecord() session.Record {
	rec := newRecord()
	rec.Expires = after(blink)
	return rec
}

func loadExpired(t *trial) {
	rec := expiringRecord()
	ref := t.create(rec)
	sleepUntil(rec.Expires)
	t.wantGone(ruleExpired, ref)
}

// createExpired is a Create that was slower than its session. Whether it fails
// is left open.
func createExpired(t *trial) {
	rec := newRecord()
	rec.Expires = after(-time.Hour)
	ref, err := t.store.Create(t.Context(), rec)
	if err == nil {
		t.wantGone(ruleExpired, ref)
	}
}

// updateExpired also asks with a base that is not current: the record is not
// there to be in conflict with.
func updateExpired(t *trial) {
	rec := expiringRecord()
	ref := t.create(rec)
	sleepUntil(rec.Expires)
	for _, base := range []session.Rev{rec.Rev, newRev()} {
		_, err := t.store.Update(t.Context(), ref, base, nextWrite(rec))
		t.wantError(ruleUpdateMissing, "Update of an expired record", err, session.ErrNotFound)
	}
	t.wantGone(ruleUpdateMissing, ref)
}

func updateShortens(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	next := nextWrite(rec)
	next.Expires = after(blink)
	ref = t.update(ref, rec.Rev, next)
	sleepUntil(next.Expires)
	t.wantGone(ruleExpired, ref)
}

// updateLengthens must update before the record expires. Where the machine is
// too slow for that, the record is given longer.
func updateLengthens(t *trial) {
	for life := blink; ; life *= 4 {
		rec := newRecord()
		rec.Expires = after(life)
		ref := t.create(rec)
		next := nextWrite(rec)
		newRef, err := t.store.Update(t.Context(), ref, rec.Rev, next)
		late := !time.Now().Before(rec.Expires)
		if errors.Is(err, session.ErrNotFound) && late && life < time.Minute {
			continue
		}
		if err != nil {
			t.broke(ruleUpdate, "Update before the record expires: %v", err)
		}
		sleepUntil(rec.Expires)
		t.wantRecord(ruleLoad, newRef, next)
		return
	}
}
