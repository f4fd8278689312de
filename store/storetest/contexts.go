package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/typedsession/typedsession/session"
)

// soon is how long a method may take whose context has ended. It is far more
// than any needs, so that a slow machine breaks no rule.
const soon = 10 * time.Second

// contextCases call each method with a context that has ended. The method may
// succeed or fail; but what it says must be true.
var contextCases = []testCase{
	{"create with an ended context", func(t *trial) {
		rec := newRecord()
		var ref string
		err := t.ended("Create", func(ctx context.Context) (err error) {
			ref, err = t.store.Create(ctx, rec)
			return err
		})
		if err == nil {
			t.wantRecord(ruleCreate, ref, rec)
		}
	}},
	{"load with an ended context", func(t *trial) {
		rec := newRecord()
		ref := t.create(rec)
		var got session.Record
		err := t.ended("Load", func(ctx context.Context) (err error) {
			got, err = t.store.Load(ctx, ref)
			return err
		})
		if diff := t.diff(rec, got); err == nil && diff != "" {
			t.broke(ruleLoad, "Load: %s", diff)
		}
		t.wantRecord(ruleLoad, ref, rec)
	}},
	{"update with an ended context", func(t *trial) {
		rec := newRecord()
		ref := t.create(rec)
		next := nextWrite(rec)
		var newRef string
		err := t.ended("Update", func(ctx context.Context) (err error) {
			newRef, err = t.store.Update(ctx, ref, rec.Rev, next)
			return err
		})
		if err == nil {
			t.wantRecord(ruleUpdate, newRef, next)
		}
	}},
	{"delete with an ended context", func(t *trial) {
		ref := t.create(newRecord())
		err := t.ended("Delete", func(ctx context.Context) error {
			return t.store.Delete(ctx, ref)
		})
		if err == nil && t.holdsRevisions() {
			t.wantGone(ruleDelete, ref)
		}
	}},
}

// ended calls a method with a context that has ended and returns the method's
// error, having checked that it came soon and claims nothing about the record.
func (t *trial) ended(method string, call func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	select {
	case err := <-done:
		if err != nil && isVerdict(err) {
			t.broke(ruleNoAnswer, "%s with an ended context: %v", method, err)
		}
		return err
	case <-time.After(soon):
		t.broke(ruleBounded, "%s had not returned %v after its context ended", method, soon)
		return nil
	}
}

// isVerdict reports whether an error is one of those by which a store says
// something about the record.
func isVerdict(err error) bool {
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) ||
		errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrTooLarge)
}
