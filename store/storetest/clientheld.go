package storetest

import (
	"errors"
	"time"

	"github.com/typedsession/typedsession/session"
)

// clientHeldCases apply to stores whose refs are their records. Such a store is
// asked for what a client has sent. The Manager has authenticated it by then,
// but under a key that an older version of the store may have written with.
var clientHeldCases = []testCase{
	{"update is unconditional", updateUnconditional},
	{"delete does nothing", deleteNothing},
	{"refs with one byte changed", changedRefs},
	{"refs cut short", cutRefs},
	{"refs that are no records", garbageRefs},
}

// updateUnconditional updates one ref twice, as two requests at once do.
func updateUnconditional(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	for _, base := range []session.Rev{rec.Rev, newRev(), 0} {
		next := nextWrite(rec)
		newRef, err := t.store.Update(t.Context(), ref, base, next)
		if err != nil {
			t.broke(ruleUnconditional, "Update: %v", err)
		}
		t.wantRecord(ruleUnconditional, newRef, next)
	}
}

func deleteNothing(t *trial) {
	rec := newRecord()
	ref := t.create(rec)
	for range 2 {
		if err := t.store.Delete(t.Context(), ref); err != nil {
			t.broke(ruleDeleteNoop, "Delete: %v", err)
		}
	}
	t.wantRecord(ruleDeleteNoop, ref, rec)
}

func changedRefs(t *trial) {
	ref := t.create(newRecord())
	for i := range len(ref) {
		for _, change := range []byte{0x01, 0x80, 0xff} {
			changed := []byte(ref)
			changed[i] ^= change
			t.wantNoHarm(string(changed))
		}
	}
}

func cutRefs(t *trial) {
	ref := t.create(newRecord())
	for i := range len(ref) {
		t.wantNoHarm(ref[:i])
		t.wantNoHarm(ref[i+1:])
	}
	t.wantNoHarm(ref + ref)
}

func garbageRefs(t *trial) {
	for _, ref := range strangeRefs(letteredRecord().ID.String()) {
		t.wantNoHarm(ref)
	}
}

// wantNoHarm gives a damaged ref to every method. Each fails with ErrNotFound,
// or takes the ref for a record that has not expired; the store has no means to
// tell. None panics.
func (t *trial) wantNoHarm(ref string) {
	t.Helper()
	t.must(func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = broke(ruleAnyRef, "panic for ref %s: %v", abbreviated(ref), p)
			}
		}()
		asked := time.Now()
		rec, err := t.store.Load(t.Context(), ref)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return broke(ruleAnyRef, "Load of %s: %v", abbreviated(ref), err)
		}
		if err == nil && !asked.Before(rec.Expires) {
			return broke(ruleExpired, "Load of %s returned a record that expired at %v", abbreviated(ref), rec.Expires)
		}
		if _, err := t.store.Update(t.Context(), ref, 0, newRecord()); err != nil && !errors.Is(err, session.ErrNotFound) {
			return broke(ruleAnyRef, "Update of %s: %v", abbreviated(ref), err)
		}
		if err := t.store.Delete(t.Context(), ref); err != nil {
			return broke(ruleDeleteNoop, "Delete of %s: %v", abbreviated(ref), err)
		}
		return nil
	}())
}
