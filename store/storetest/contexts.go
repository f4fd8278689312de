package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/typedsession/typedsession/store"
)

// soon is how long a method may take whose context is done. It is far more than
// any method needs, so that no rule is broken by a slow machine.
const soon = 10 * time.Second

// contextCases call each method with a context that is done. The method may
// succeed or fail, but what it reports must be true.
var contextCases = []testCase{
	{"create with a context that is done", func(t *trial) {
		rec := newRecord()
		err := t.withDone("Create", func(ctx context.Context) error { return t.store.Create(ctx, rec) })
		if err == nil {
			t.wantRecord(ruleCreate, rec)
		}
	}},
	{"load with a context that is done", func(t *trial) {
		rec := newRecord()
		t.create(rec)
		var got store.Record
		err := t.withDone("Load", func(ctx context.Context) (err error) {
			got, err = t.store.Load(ctx, rec.ID)
			return err
		})
		if diff := diff(rec, got); err == nil && diff != "" {
			t.broke(ruleLoad, "Load: %s", diff)
		}
		t.wantRecord(ruleLoad, rec)
	}},
	{"update with a context that is done", func(t *trial) {
		rec := newRecord()
		t.create(rec)
		next := nextWrite(rec)
		err := t.withDone("Update", func(ctx context.Context) error { return t.store.Update(ctx, rec.Rev, next) })
		if err == nil {
			t.wantRecord(ruleUpdate, next)
		}
	}},
	{"delete with a context that is done", func(t *trial) {
		rec := newRecord()
		t.create(rec)
		err := t.withDone("Delete", func(ctx context.Context) error { return t.store.Delete(ctx, rec.ID) })
		if err == nil {
			t.wantGone(ruleDelete, rec.ID)
		}
	}},
}

// indexContextCases are contextCases for a [store.SubjectIndex].
var indexContextCases = []testCase{
	{"list with a context that is done", func(t *trial) {
		rec := newLogin(newSubject())
		t.create(rec)
		var recs []store.Record
		err := t.withDone("ListSessions", func(ctx context.Context) (err error) {
			recs, err = t.index().ListSessions(ctx, rec.Subject)
			return err
		})
		if err == nil && len(recs) != 1 {
			t.broke(ruleListComplete, "ListSessions returned %d records and no error, want 1", len(recs))
		}
	}},
	{"revocation with a context that is done", func(t *trial) {
		rec := newLogin(newSubject())
		t.create(rec)
		var ids []store.ID
		err := t.withDone("RevokeSubject", func(ctx context.Context) (err error) {
			ids, err = t.index().RevokeSubject(ctx, rec.Subject, after(0))
			return err
		})
		if err == nil || len(ids) > 0 {
			t.wantGone(ruleRevoke, rec.ID)
		}
	}},
}

// withDone calls a method with a context that is done and returns the method's
// error. It checks that the method returns soon and that the error reports
// nothing about the record.
func (t *trial) withDone(method string, call func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	select {
	case err := <-done:
		if isAnswer(err) {
			t.broke(ruleStoreErrors, "%s with a context that is done: %v", method, err)
		}
		return err
	case <-time.After(soon):
		t.broke(ruleStoreBounded, "%s has not returned %v after its context was done", method, soon)
		return nil
	}
}

// isAnswer reports whether an error is one of those by which a store reports
// something about a record.
func isAnswer(err error) bool {
	for _, answer := range []error{
		store.ErrNotFound, store.ErrExists, store.ErrConflict,
		store.ErrTooLarge, store.ErrFull, store.ErrRevoked,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}
