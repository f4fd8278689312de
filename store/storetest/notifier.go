package storetest

import (
	"time"

	"github.com/typedsession/typedsession/store"
)

// notifierCases apply to a store that is a [store.Notifier].
var notifierCases = []testCase{
	{"notifier: an update", func(t *trial) {
		t.wantNotified("Update", newRecord(), func(rec store.Record) { t.update(rec.Rev, nextWrite(rec)) })
	}},
	{"notifier: a delete", func(t *trial) {
		t.wantNotified("Delete", newRecord(), func(rec store.Record) { t.delete(rec.ID) })
	}},
	{"notifier: a revocation", func(t *trial) {
		if _, ok := t.store.(store.SubjectIndex); ok {
			t.wantNotified("RevokeSubject", newLogin(newSubject()), func(rec store.Record) { t.revoke(rec.Subject, after(0)) })
		}
	}},
	{"notifier: a subscription before the record is created", func(t *trial) {
		rec := newRecord()
		changed, stop := t.store.(store.Notifier).Subscribe(rec.ID)
		defer stop()
		t.create(rec)
		t.update(rec.Rev, nextWrite(rec))
		t.wantClosed("Update", changed)
	}},
}

// notifiedWithin is how long a case waits for a channel to be closed. It is far
// more than any store needs.
const notifiedWithin = 10 * time.Second

// wantNotified checks that a change closes the channels of two subscribers, while
// a third has ended its subscription. That channel may be closed too.
func (t *trial) wantNotified(what string, rec store.Record, change func(store.Record)) {
	t.Helper()
	notifier := t.store.(store.Notifier)
	t.create(rec)
	first, stopFirst := notifier.Subscribe(rec.ID)
	second, stopSecond := notifier.Subscribe(rec.ID)
	_, stop := notifier.Subscribe(rec.ID)
	stop()
	stop()
	change(rec)
	for _, changed := range []<-chan struct{}{first, second} {
		t.wantClosed(what, changed)
	}
	stopFirst()
	stopSecond()
}

// wantClosed checks that a channel is closed soon.
func (t *trial) wantClosed(what string, changed <-chan struct{}) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(notifiedWithin):
		t.broke(ruleSubscribe, "the channel is open %v after %s has returned", notifiedWithin, what)
	}
}
